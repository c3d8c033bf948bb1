package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.BlocksKernels;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.attention.AttentionKernels.Pages;
import io.jllm.cuda.kernels.attention.AttentionKernels.Rotation;
import io.jllm.cuda.kernels.attention.AttentionKernels.Scores;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Launches {@code attention/decode_mma.cu}, for few queries {@code attention/decode_few.cu}, for pages of 8 bits {@code attention/decode_bytes.cu},
 * and for pages and heads that these are not for {@code attention/decode.cu}: attention of single queries, also with the rotation and storing
 * before it.
 */
public final class DecodeKernels {
    private static final String DECODE = "attn_decode";
    private static final String ROTATED = "attn_decode_rope";
    private static final String FEW = "_few";
    private static final String SOME = "_some";
    private static final String BYTES = "_bytes";
    private static final String ENTRIES = "entries";
    /** Up to so many heads of queries for each multiprocessor, or groups of heads that share keys and values, have a block each. */
    private static final int MOST_ITEMS = 4;
    /** Larger clusters of blocks are slower. */
    private static final int MOST_CLUSTER = 2;
    /** Most blocks, or clusters of them, that share the positions of a query. */
    private static final int MOST_SPLITS = 64;

    /**
     * Room of single queries' attention.
     *
     * @param partial for what pieces leave
     * @param counters all zero between launches
     */
    public record Partial(long partial, long counters) {
    }

    /**
     * Where results go in 16 bits, beside floats and bytes.
     *
     * @param address of the first row; 0 if they do not
     * @param pitch values from row to row
     * @param kind 1 F16, 2 BF16, 3 F16 laid down for matrices of blocks
     * @param scales of rows that are laid down
     */
    public record Narrow(long address, int pitch, int kind, long scales) {
        /** Nowhere. */
        public static final Narrow NONE = new Narrow(0, 0, 0, 0);
        private static final int LAID = 3;

        /** Rows of 16 bits. */
        public static Narrow of(FlashKernels.AnyRows rows) {
            return new Narrow(rows.address(), rows.pitch(), rows.kind(), 0);
        }

        /** Rows as products by matrices of blocks meet them. */
        public static Narrow of(BlocksKernels.Place place) {
            return new Narrow(place.address(), place.pitch(), LAID, place.scales());
        }
    }

    /** Blocks for the positions of each query and its groups of heads: about as many as run at once, others would wait until these have ended. */
    private record Splits(Launch launch, int blocks, int groups) implements RowsLaunch {
        @Override
        public void run(Stream stream, int queries) {
            launch.run(stream, Math.clamp(blocks / ((long) groups * queries), 1, MOST_SPLITS), groups, queries);
        }
    }

    /** As many blocks as run at once, which share all positions of so many queries. */
    private record Shares(Launch launch, Launch.IntArgument entries, int blocks, int most) implements RowsLaunch {
        @Override
        public void run(Stream stream, int queries) {
            entries.set(queries);
            launch.run(stream, blocks, Math.ceilDiv(queries, most), 1);
        }
    }

    /**
     * Blocks for each query and so many heads together; where these are many, blocks that share all positions.
     *
     * @param few launches with clusters of one block, of twice as many, and so on
     * @param some a smaller block for each
     * @param shares what does many
     * @param items of a query: heads that share keys and values, at most so many together as a block takes
     */
    private record Sizes(List<Launch> few, Launch some, Shares shares, int items, int multiprocessors) implements RowsLaunch {
        @Override
        public void run(Stream stream, int queries) {
            int all = items * queries;
            if (all > MOST_ITEMS * multiprocessors) {
                shares.run(stream, queries);
            } else if (all > multiprocessors) {
                some.run(stream, 1, items, queries);
            } else {
                int log = Math.min(few.size() - 1, 2 * all <= multiprocessors ? 1 : 0);
                few.get(log).run(stream, Math.clamp(multiprocessors / ((long) all << log), 1, MOST_SPLITS) << log, items, queries);
            }
        }

        @Override
        public String toString() {
            return shares.launch.toString();
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

    /** Whether kernels for such heads write results in 16 bits, too. */
    public boolean narrows(Scores s) {
        return TensorHeads.suffix(kernels, DECODE, s.shape().headDim(), kvSuffix).isPresent();
    }

    /** Attention of single queries, the last positions of their sequences; y as floats, bytes or both, and narrow where {@link #narrows} holds. */
    public RowsLaunch decode(Rows q, Rows y, Narrow narrow, Pages p, Scores s, Partial partial) {
        return launch(DECODE, narrow, p, s, b -> fromY(b.pointer("q", q.floats()).integer("ldq", q.pitch()), y, p, s, partial), b -> b);
    }

    /** Whether there is a kernel that rotates and stores too. */
    public boolean decodesRotated() {
        return kernels.find(ROTATED + "_" + kvSuffix).isPresent();
    }

    /** Rotation, storing and attention of single queries in one. */
    public RowsLaunch decodeRotated(Rows qkv, Rows y, Narrow narrow, Pages p, Scores s, Partial partial, Rotation r) {
        return launch(ROTATED, narrow, p, s, b -> fromY(b.pointer("qkv", qkv.floats()).integer("ldqkv", qkv.pitch()), y, p, s, partial),
                b -> AttentionKernels.rotation(b.pointer("kvSlots", step.address(Field.KV_SLOTS)), r));
    }

    private RowsLaunch launch(String family, Narrow narrow, Pages p, Scores s, UnaryOperator<Launch.Builder> first,
            UnaryOperator<Launch.Builder> rest) {
        Optional<String> tensor = TensorHeads.suffix(kernels, family, s.shape().headDim(), kvSuffix);
        if (tensor.isEmpty()) {
            String bytes = family + BYTES + "_d" + s.shape().headDim() + "_" + kvSuffix;
            if (kernels.find(bytes).isPresent()) {
                int[] shape = kernels.shape(DECODE + BYTES, 4); // threads, heads together, positions together, blocks of a multiprocessor
                if (p.blockSize() % shape[2] == 0) {
                    Launch launch = rest.apply(first.apply(kernels.launch(arena, bytes, shape[0]))).build();
                    return new Splits(launch, multiprocessors * shape[3], groups(s, shape[1]));
                }
            }
            Launch.Builder b = kernels.launch(arena, family + "_" + kvSuffix, shape(kernels)[0]);
            return new Splits(rest.apply(first.apply(b)).build(), multiprocessors, s.shape().kvHeads());
        }
        int[] shape = kernels.shape(DECODE + tensor.get(), 4); // threads, queries of a list, blocks of a multiprocessor, bytes of shared memory
        UnaryOperator<Launch.Builder> all = b -> rest.apply(first.apply(b).integer(ENTRIES, 0).pointer("narrow", narrow.address)
                .integer("ldn", narrow.pitch).integer("narrowKind", narrow.kind).pointer("narrowScale", narrow.scales));
        Launch many = all.apply(kernels.launch(arena, family + tensor.get() + "_" + kvSuffix, shape[0], shape[3])).build();
        var shares = new Shares(many, many.integer(ENTRIES), multiprocessors * shape[2], shape[1]);
        if (kernels.find(name(family, FEW, tensor.get())).isEmpty()) {
            return shares;
        }
        var few = new ArrayList<Launch>();
        for (int blocks = 1; blocks <= Math.min(MOST_CLUSTER, size(FEW, tensor.get())[5]); blocks *= 2) {
            few.add(all.apply(builder(family, FEW, tensor.get(), s).cluster(blocks)).build());
        }
        Launch some = all.apply(builder(family, SOME, tensor.get(), s)).build();
        return new Sizes(List.copyOf(few), some, shares, groups(s, size(FEW, tensor.get())[4]), multiprocessors);
    }

    /** Groups of at most so many heads that share keys and values. */
    private static int groups(Scores s, int together) {
        return s.shape().kvHeads() * Math.ceilDiv(s.shape().heads() / s.shape().kvHeads(), together);
    }

    private String name(String family, String size, String tensor) {
        return family.replace(DECODE, DECODE + size) + tensor + "_" + kvSuffix;
    }

    /** Threads, bytes, bytes for a head, for how many at most, heads together, most blocks of a cluster. */
    private int[] size(String size, String tensor) {
        return kernels.shape(DECODE + size + tensor, 6);
    }

    private Launch.Builder builder(String family, String size, String tensor, Scores s) {
        int[] shape = size(size, tensor);
        return kernels.launch(arena, name(family, size, tensor), shape[0],
                shape[1] + shape[2] * Math.min(shape[3], s.shape().heads() / s.shape().kvHeads()));
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
