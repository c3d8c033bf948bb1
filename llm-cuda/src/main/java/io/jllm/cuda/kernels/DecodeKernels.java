package io.jllm.cuda.kernels;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.AttentionKernels.Pages;
import io.jllm.cuda.kernels.AttentionKernels.Rotation;
import io.jllm.cuda.kernels.AttentionKernels.Scores;
import io.jllm.cuda.kernels.StepArrays.Field;
import java.lang.foreign.Arena;

/** Launches {@code attention/decode.cu}: attention of single queries, also with the rotation and storing before it. */
public final class DecodeKernels {
    private static final String DECODE = "attn_decode";
    private static final String ROTATED = "attn_decode_rope";
    /** Most blocks that share the positions of a query. */
    private static final int MOST_SPLITS = 64;

    /**
     * Room of single queries' attention.
     *
     * @param partial for what pieces leave
     * @param counters all zero between launches
     */
    public record Partial(long partial, long counters) {
    }

    /** Attention of single queries, the last positions of their sequences: a launch, blocks for the positions of one, and head groups. */
    public record Singles(Launch launch, int multiprocessors, int kvHeads) {
        /** Queues it for that many queries. */
        public void run(Stream stream, int queries) {
            // A block for each multiprocessor: a second one would wait until the first has ended.
            launch.run(stream, Math.clamp(multiprocessors / ((long) kvHeads * queries), 1, MOST_SPLITS), kvHeads, queries);
        }
    }

    private final Kernels kernels;
    private final Arena arena;
    private final String kvSuffix;
    private final StepArrays step;
    private final int multiprocessors;

    /**
     * Launches whose memory the arena owns.
     *
     * @param kvSuffix the type of keys and values as names of kernels end
     * @param step where a step's numbers are
     * @param multiprocessors of the device
     */
    public DecodeKernels(Kernels kernels, Arena arena, String kvSuffix, StepArrays step, int multiprocessors) {
        this.kernels = kernels;
        this.arena = arena;
        this.kvSuffix = kvSuffix;
        this.step = step;
        this.multiprocessors = multiprocessors;
    }

    /** Positions that a piece has; or a multiple of it. */
    static int piece(Kernels kernels) {
        return shape(kernels)[1];
    }

    /** Dimensions of the largest head. */
    static int largestHead(Kernels kernels) {
        return shape(kernels)[2];
    }

    private static int[] shape(Kernels kernels) {
        return kernels.shape(DECODE, 3);
    }

    private Launch.Builder launch(String family) {
        return kernels.launch(arena, family + "_" + kvSuffix, shape(kernels)[0]);
    }

    /** Attention of single queries; y as floats, bytes or both. */
    public Singles decode(Rows q, Rows y, Pages p, Scores s, Partial partial) {
        Launch.Builder b = launch(DECODE).pointer("q", q.floats()).integer("ldq", q.pitch());
        return new Singles(fromY(b, y, p, s, partial).build(), multiprocessors, s.shape().kvHeads());
    }

    /** Whether there is a kernel that rotates and stores too. */
    public boolean decodesRotated() {
        return kernels.find(ROTATED + "_" + kvSuffix).isPresent();
    }

    /** Rotation, storing and attention of single queries in one. */
    public Singles decodeRotated(Rows qkv, Rows y, Pages p, Scores s, Partial partial, Rotation r) {
        Launch.Builder b = launch(ROTATED).pointer("qkv", qkv.floats()).integer("ldqkv", qkv.pitch());
        fromY(b, y, p, s, partial).pointer("kvSlots", step.address(Field.KV_SLOTS));
        return new Singles(AttentionKernels.rotation(b, r).build(), multiprocessors, s.shape().kvHeads());
    }

    private Launch.Builder fromY(Launch.Builder b, Rows y, Pages p, Scores s, Partial partial) {
        AttentionKernels.pages(b.pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("yq", y.bytes()).pointer("ys", y.scales()), p)
                .pointer("row", step.address(Field.SINGLE_ROW)).pointer("seq", step.address(Field.SINGLE_SEQUENCE))
                .pointer("context", step.address(Field.CONTEXT)).pointer("tableAt", step.address(Field.TABLE_AT))
                .pointer("table", step.address(Field.TABLE));
        return AttentionKernels.scores(b, p, s).pointer("partial", partial.partial).pointer("counters", partial.counters)
                .pointer("pieces", step.address(Field.PIECES));
    }
}
