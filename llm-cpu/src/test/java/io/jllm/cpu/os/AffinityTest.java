package io.jllm.cpu.os;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class AffinityTest {
    private static BitSet processors(int from, int to) {
        var set = new BitSet();
        set.set(from, to);
        return set;
    }

    private static List<Integer> nodes(List<BitSet> nodes, int size) {
        return IntStream.range(0, size).mapToObj(member -> Affinity.node(nodes, member, size)).toList();
    }

    @Test
    void membersAreSharedOutInProportionAndNeighboursStayTogether() {
        List<BitSet> equal = List.of(processors(0, 4), processors(4, 8));
        assertEquals(List.of(0, 0, 0, 0, 1, 1, 1, 1), nodes(equal, 8));
        assertEquals(List.of(0, 1), nodes(equal, 2));
        assertEquals(List.of(0, 0, 1, 1), nodes(equal, 4));
        assertEquals(List.of(1), nodes(equal, 1));
        List<BitSet> unequal = List.of(processors(0, 1), processors(1, 4), processors(4, 6));
        assertEquals(List.of(0, 1, 1, 1, 2, 2), nodes(unequal, 6));
        assertEquals(List.of(0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2), nodes(unequal, 12));
    }

    @Test
    void oneNodeTiesNobody() {
        assertEquals(1, Affinity.over(List.of(processors(0, 64))).nodes());
    }

    /** Processors that this thread may use, as Linux writes them. */
    private static String allowed() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/thread-self/status"))) {
            return lines.filter(l -> l.startsWith("Cpus_allowed_list:")).findFirst().orElseThrow().split("\\s+")[1];
        }
    }

    @Test
    void aTiedThreadRunsOnItsNodeAlone() throws IOException, InterruptedException, ExecutionException {
        Assumptions.assumeTrue(Processor.onLinux(), "skipped: there is no affinity but on " + Processor.LINUX);
        Assumptions.assumeTrue(allowed().startsWith("0-"), "skipped: processors 0 and 1 are not both ours");
        Affinity affinity = Affinity.over(List.of(processors(0, 1), processors(1, 2)));
        Assumptions.assumeTrue(affinity.nodes() == 2, "skipped: native access is denied");
        String before = allowed();
        for (int member = 0; member < 2; member++) {
            int m = member;
            var seen = new FutureTask<>(() -> {
                affinity.tie(m, 2);
                return allowed();
            });
            Thread.ofPlatform().start(seen);
            assertEquals(String.valueOf(member), seen.get());
        }
        assertEquals(before, allowed(), "and no other thread");
    }

    @Test
    void aThreadThatTheSystemRefusesToTieStaysFree() throws InterruptedException, ExecutionException {
        Assumptions.assumeTrue(Processor.onLinux(), "skipped: there is no affinity but on " + Processor.LINUX);
        Affinity nowhere = Affinity.over(List.of(processors(4000, 4001), processors(4001, 4002)));
        var seen = new FutureTask<>(() -> {
            String before = allowed();
            nowhere.tie(1, 2);
            return before.equals(allowed());
        });
        Thread.ofPlatform().start(seen);
        assertEquals(true, seen.get());
    }
}
