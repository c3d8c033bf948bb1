package io.jllm.cuda.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Launch.IntArgument;
import io.jllm.cuda.driver.Launch.PointerArgument;
import io.jllm.cuda.driver.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;

/** Launches the kernels of {@code sample/}: drawing tokens, the best of a row, counts of tokens. */
public final class SampleKernels {
    /** How to draw from a row. */
    public static final DeviceStruct ROW = new DeviceStruct("row", MemoryLayout.structLayout(
            JAVA_INT.withName("row"), JAVA_INT.withName("flags"), JAVA_FLOAT.withName("temperature"), JAVA_INT.withName("topK"),
            JAVA_FLOAT.withName("topP"), JAVA_FLOAT.withName("minP"), JAVA_FLOAT.withName("repetition"), JAVA_FLOAT.withName("presence"),
            JAVA_FLOAT.withName("frequency"), JAVA_INT.withName("biasCount"), JAVA_LONG.withName("seed"), JAVA_INT.withName("position"),
            JAVA_INT.withName("allowedCount"), JAVA_LONG.withName("counts"), JAVA_LONG.withName("biasIds"), JAVA_LONG.withName("mask")));
    /** What was drawn. */
    public static final DeviceStruct RESULT = new DeviceStruct("result", MemoryLayout.structLayout(
            JAVA_INT.withName("token"), JAVA_FLOAT.withName("logprob"), JAVA_INT.withName("status"), JAVA_INT.withName("detail")));
    /** Bytes to which the scratch memory of a row is rounded up. */
    private static final int SCRATCH_ALIGNMENT = 256;

    /**
     * Rows of logits.
     *
     * @param address of the first
     * @param pitch floats from a row to the next
     * @param vocab their width
     */
    public record Logits(long address, int pitch, int vocab) {
        private Launch.Builder add(Launch.Builder b) {
            return b.pointer("logits", address).integer("ld", pitch).integer("vocab", vocab);
        }
    }

    /** Rows that are only searched for their highest logit. */
    public record Greedy(Launch launch, int shares) {
        /** Queues it for the first so many records. */
        public void run(Stream stream, int rows) {
            launch.run(stream, shares, rows, 1);
        }
    }

    /** Rows that are drawn in any way. */
    public record Any(Launch launch, PointerArgument records, PointerArgument results) {
        /** Queues it for some records, and the results of all. */
        public void run(Stream stream, long recordsFrom, long resultsOfAll, int rows) {
            records.set(recordsFrom);
            results.set(resultsOfAll);
            launch.run(stream, rows, 1, 1);
        }
    }

    /** The best tokens of rows. */
    public record Top(Launch launch, IntArgument k) {
        /** Queues it for the first so many rows. */
        public void run(Stream stream, int best, int rows) {
            k.set(best);
            launch.run(stream, rows, 1, 1);
        }
    }

    /** Drawn tokens for the next step. */
    public record Take(Launch launch, PointerArgument ids, IntArgument n) {
        /** Queues it for so many ids. */
        public void run(Stream stream, long idsAt, int count) {
            ids.set(idsAt);
            n.set(count);
            launch.run(stream, 1, 1, 1);
        }
    }

    /** Adds to the counts of slots. */
    public record Count(Launch launch, PointerArgument deltas, IntArgument n, PointerArgument results) {
        /** Queues so many deltas at an address, in which results of a drawing stand for tokens that nobody has read. */
        public void run(Stream stream, long deltasAt, int count, long resultsOfAll) {
            deltas.set(deltasAt);
            n.set(count);
            results.set(resultsOfAll);
            launch.run(stream, 1, 1, 1);
        }
    }

    private SampleKernels() {
    }

    /** Bytes of scratch memory a row of {@link #greedy}, zero before and after. */
    public static long greedyScratch(Kernels kernels) {
        return kernels.shape("sample_greedy", 3)[2];
    }

    /** Bytes of scratch memory a row of {@link #any} and {@link #top}. */
    public static long anyScratch(Kernels kernels, int vocab) {
        int[] shape = kernels.shape("sample_rows", 3);
        return Math.ceilDiv((long) shape[1] * vocab + shape[2], SCRATCH_ALIGNMENT) * SCRATCH_ALIGNMENT;
    }

    /** The most tokens that {@link #top} finds. */
    public static int mostTop(Kernels kernels) {
        return kernels.shape("top_k", 2)[1];
    }

    /** The launch for records that only want the highest logit. */
    public static Greedy greedy(Kernels kernels, Arena arena, Logits logits, long rows, long out, long scratch) {
        int[] shape = kernels.shape("sample_greedy", 3);
        return new Greedy(logits.add(kernels.launch(arena, "sample_greedy", shape[0])).pointer("rows", rows).pointer("out", out)
                .pointer("scratch", scratch).build(), shape[1]);
    }

    /** The launch for records of any kind. */
    public static Any any(Kernels kernels, Arena arena, Logits logits, long scratch) {
        Launch launch = logits.add(kernels.launch(arena, "sample_rows", kernels.shape("sample_rows", 3)[0])).pointer("rows", 0).pointer("out", 0)
                .pointer("scratch", scratch).build();
        return new Any(launch, launch.pointer("rows"), launch.pointer("out"));
    }

    /** The launch for the best tokens. */
    public static Top top(Kernels kernels, Arena arena, Logits logits, long rowIndex, long ids, long logprobs, long scratch) {
        Launch launch = logits.add(kernels.launch(arena, "top_k", kernels.shape("top_k", 2)[0])).pointer("rowIndex", rowIndex).integer("k", 0)
                .pointer("ids", ids).pointer("logprobs", logprobs).pointer("scratch", scratch).build();
        return new Top(launch, launch.integer("k"));
    }

    /** The launch that takes drawn tokens from results: an id below 0 becomes the token of row -1 - id. */
    public static Take take(Kernels kernels, Arena arena, long results) {
        Launch launch = kernels.launch(arena, "take_drawn", kernels.shape("take_drawn", 1)[0]).pointer("ids", 0).integer("n", 0)
                .pointer("results", results).build();
        return new Take(launch, launch.pointer("ids"), launch.integer("n"));
    }

    /** The launch for counts: deltas are triples of slot, token and what is added; a token below 0 is that of row -1 - token. */
    public static Count count(Kernels kernels, Arena arena, long slots) {
        Launch launch = kernels.launch(arena, "count_tokens", kernels.shape("count_tokens", 1)[0]).pointer("slots", slots)
                .pointer("deltas", 0).integer("n", 0).pointer("results", 0).build();
        return new Count(launch, launch.pointer("deltas"), launch.integer("n"), launch.pointer("results"));
    }
}
