package io.jllm;

import java.util.OptionalLong;

/**
 * Memory in bytes.
 *
 * @param weights weights, mapped files included
 * @param kv KV pages in use or reserved
 * @param kvLimit KV pages at most
 * @param scratch activations and buffers
 */
public record MemoryReport(long weights, long kv, long kvLimit, long scratch) {
    /**
     * What a model will take, in bytes, as far as that is known before it is loaded: the scratch memory of steps comes on top.
     *
     * @param backend what is to run it
     * @param weights its weights as the files hold them
     * @param kv the KV pages of one sequence of full length, or {@link LlmBuilder#kvCache} where that is less; more sequences take more
     * @param free what the device has free for it; empty if its backend cannot tell
     */
    public record Forecast(String backend, long weights, long kv, OptionalLong free) {
        private static final int MIB = 1 << 20;

        /** Weights and KV pages. */
        public long bytes() {
            return weights + kv;
        }

        /** Both sums, in words. */
        @Override
        public String toString() {
            return "needs " + mib(bytes()) + " MiB (weights " + mib(weights) + ", KV cache of one whole context " + mib(kv) + "), "
                    + (free.isPresent() ? mib(free.getAsLong()) + " MiB are free" : "and nobody knows how much is free") + " for the " + backend
                    + " backend";
        }

        private static long mib(long bytes) {
            return Math.ceilDiv(bytes, MIB);
        }
    }
}
