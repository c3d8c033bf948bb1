package io.jllm.cuda.memory;

import io.jllm.cuda.driver.Event;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.PinnedMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Copies whole KV blocks on the device. */
public final class BlockCopier implements AutoCloseable {
    private static final int PAIRS_AT_ONCE = 1024;

    private final Owner owner = new Owner();
    private final Stream stream;
    private final MemorySegment pairs;
    private final Event read;
    private final AttentionKernels.Copy launch;

    public BlockCopier(Stream stream, Kernels kernels, Arena arena, KvCache kv) {
        this.stream = stream;
        try {
            PinnedMemory p = owner.own(PinnedMemory.allocate(2L * Integer.BYTES * PAIRS_AT_ONCE, "copies of KV blocks"));
            pairs = p.memory();
            read = owner.own(Event.create());
            launch = AttentionKernels.copyBlocks(kernels, arena, kv.address(), kv.blockBytes(), p.address());
        } catch (RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    /** Queues the copies of pairs of from and to. */
    public void copy(int[] fromTo) {
        for (int at = 0; at < fromTo.length; at += 2 * PAIRS_AT_ONCE) {
            int n = Math.min(2 * PAIRS_AT_ONCE, fromTo.length - at);
            read.synchronize(); // the kernel reads the host's memory
            MemorySegment.copy(fromTo, at, pairs, ValueLayout.JAVA_INT, 0, n);
            launch.run(stream, n / 2);
            read.record(stream);
        }
    }

    @Override
    public void close() {
        owner.close();
    }
}
