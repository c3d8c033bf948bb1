package io.jllm.cuda.kernels.adapter;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;

/**
 * Launches {@code adapter/joined.cu}, for a few rows of tokens whose adapters have matrices of low rank and summands, no more: what stands between
 * two products at once with what adapters add to the first of them and the products by the first matrices of the second; and each by itself.
 */
public final class JoinedKernels {
    private static final String FAMILY = "adapter_joined";
    private static final String NORMED = "adapter_normed";
    private static final int NUMBERS = 5;

    /**
     * How kernels cut their work.
     *
     * @param threads a block
     * @param mostRank of an adapter
     * @param mostSites matrices of a product by whose first matrices rows are multiplied
     * @param mostParts blocks of a row that is normed
     * @param chunk columns of a block; twice as many of wide rows that are normed
     */
    public record Shape(int threads, int mostRank, int mostSites, int mostParts, int chunk) {
        private boolean wide(int width) {
            return width > chunk * mostParts;
        }

        /** Chunks of rows of so many columns that are normed; empty if they are too wide. */
        public Optional<Integer> normedChunks(int width) {
            int chunks = Math.ceilDiv(width, wide(width) ? 2 * chunk : chunk);
            return chunks <= mostParts ? Optional.of(chunks) : Optional.empty();
        }

        /** Chunks of other rows; those that are normed have no more. */
        public int chunks(int width) {
            return Math.ceilDiv(width, chunk);
        }
    }

    /**
     * What adapters change of a product.
     *
     * @param sites its matrices, {@link AdapterKernels#SITE}; 0 if there are none
     * @param count of them
     * @param thin what rows become by first matrices
     * @param chunks of columns, each with a sum of its own
     */
    public record Site(long sites, int count, Rows thin, int chunks) {
        /** No product. */
        public static final Site NONE = new Site(0, 0, Rows.NONE, 0);
    }

    private final Kernels kernels;
    private final Arena arena;
    private final AdapterKernels.Table table;
    private final Shape shape;

    private JoinedKernels(Kernels kernels, Arena arena, AdapterKernels.Table table, Shape shape) {
        this.kernels = kernels;
        this.arena = arena;
        this.table = table;
        this.shape = shape;
    }

    /** Launches whose memory the arena owns, if there are such kernels. */
    public static Optional<JoinedKernels> of(Kernels kernels, Arena arena, AdapterKernels.Table table) {
        return shape(kernels).map(s -> new JoinedKernels(kernels, arena, table, s));
    }

    /** As the image says, if there is one. */
    public static Optional<Shape> shape(Kernels kernels) {
        return kernels.find(NORMED).map(_ -> {
            int[] s = kernels.shape(FAMILY, NUMBERS);
            return new Shape(s[0], s[1], s[2], s[3], s[4]);
        });
    }

    /** As the image says. */
    public Shape shape() {
        return shape;
    }

    private Launch.Builder launch(String name) {
        return kernels.launch(arena, name, shape.threads).pointer("tiles", table.tiles(Value.Rows.TOKENS)).pointer("changes", table.changes())
                .integer("all", table.places());
    }

    private static Launch.Builder from(Launch.Builder b, Site from) {
        return b.pointer("from", from.sites).pointer("gave", from.thin.floats()).integer("ldg", from.thin.pitch()).integer("chunks", from.chunks);
    }

    private static Launch.Builder x(Launch.Builder b, Rows x) {
        return b.pointer("x", x.floats()).integer("ldx", x.pitch());
    }

    private static Launch.Builder y(Launch.Builder b, Rows y) {
        return b.pointer("y", y.floats()).integer("ldy", y.pitch()).pointer("q", y.bytes()).pointer("scales", y.scales());
    }

    private static RowsLaunch to(Launch.Builder b, int width, Site to) {
        return new RowsLaunch.Across(b.integer("width", width).pointer("sites", to.sites).integer("count", to.count)
                .pointer("thin", to.thin.floats()).integer("ldt", to.thin.pitch()).build(), to.chunks);
    }

    /**
     * Adds to rows what adapters add to the product that made them, norms them and multiplies them by the first matrices of another.
     *
     * @param from a product of one matrix, or none
     * @param x rows that change
     * @param y where they go as floats, bytes or both
     * @param to the other product
     */
    public RowsLaunch normed(Site from, Rows x, long weight, float eps, Rows y, int width, Site to) {
        Launch.Builder b = from(launch(shape.wide(width) ? NORMED + "_wide" : NORMED).cluster(to.chunks), from).integer("fromCount", from.count);
        return to(y(x(b, x).pointer("w", weight).real("eps", eps), y), width, to);
    }

    /**
     * Adds to rows of gate and up what adapters add to them, and multiplies their activation by the first matrices of another product.
     *
     * @param from a product of two matrices
     * @param x rows of gate and up
     * @param y where the activation goes as floats, bytes or both
     * @param to the other product
     */
    public RowsLaunch gated(Site from, Rows x, int act, Rows y, int width, Site to) {
        return to(y(x(from(launch("adapter_gated"), from), x).integer("act", act), y), width, to);
    }

    /** Products by the first matrices. */
    public RowsLaunch shrink(Rows x, int width, Site to) {
        return to(x(launch("adapter_shrink_few"), x), width, to);
    }

    /**
     * What adapters add to a product.
     *
     * @param outputs of its matrices
     */
    public RowsLaunch expand(Site from, int[] outputs, Rows y) {
        return new RowsLaunch.Across(from(launch("adapter_expand_few"), from).pointer("y", y.floats()).integer("ldy", y.pitch()).build(),
                Arrays.stream(outputs).map(shape::chunks).sum());
    }
}
