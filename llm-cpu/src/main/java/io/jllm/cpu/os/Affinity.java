package io.jllm.cpu.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.BitSet;
import java.util.List;

/**
 * Keeps threads near the memory that they wrote first. Where the machine has several nodes of memory, members of a team are shared out
 * among them in proportion to their processors, neighbours together, and each may run on all processors of its node. Where there is
 * one node, or the system cannot be asked, threads run wherever the system likes. Thread-safe.
 */
public final class Affinity {
    private static final int THIS_THREAD = 0;

    private final List<BitSet> nodes;

    private Affinity(List<BitSet> nodes) {
        this.nodes = nodes;
    }

    /**
     * Over nodes, as far as the application lets this module call native code; asks for nothing that the JVM would warn of.
     *
     * @param nodes the processors of each, at least one
     */
    public static Affinity over(List<BitSet> nodes) {
        boolean may = nodes.size() > 1 && Processor.onLinux() && Affinity.class.getModule().isNativeAccessEnabled();
        return new Affinity(may ? List.copyOf(nodes) : List.of());
    }

    /** How many nodes threads are shared out among; 1 if they are not tied to any. */
    public int nodes() {
        return Math.max(1, nodes.size());
    }

    /**
     * Ties the calling thread to the processors of a node; if the system refuses, it stays free.
     *
     * @param member of a team, 0 to {@code size} - 1
     */
    public void tie(int member, int size) {
        if (!nodes.isEmpty()) {
            tie(nodes.get(node(nodes, member, size)));
        }
    }

    /** Which node a member belongs to: where the middle of its share of all processors lies. */
    static int node(List<BitSet> nodes, int member, int size) {
        int processors = nodes.stream().mapToInt(BitSet::cardinality).sum();
        long twice = (2L * member + 1) * processors;
        int node = 0;
        long end = nodes.getFirst().cardinality();
        while (twice >= 2 * end * size) {
            node++;
            end += nodes.get(node).cardinality();
        }
        return node;
    }

    private static void tie(BitSet processors) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(Math.ceilDiv(processors.length(), Long.SIZE) * (long) Long.BYTES, Long.BYTES);
            MemorySegment.copy(MemorySegment.ofArray(processors.toLongArray()), 0, mask, 0, mask.byteSize());
            MethodHandle call = SystemCalls.bind("sched_setaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
            int _ = (int) call.invokeExact(THIS_THREAD, mask.byteSize(), mask);
        } catch (OutOfMemoryError _) {
            // it stays free; a thread that ended here would be missed, and whoever needs more memory than this hears of it
        } catch (Throwable t) {
            throw SystemCalls.unexpected(t);
        }
    }
}
