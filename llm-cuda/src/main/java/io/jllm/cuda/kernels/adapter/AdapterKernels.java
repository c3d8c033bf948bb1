package io.jllm.cuda.kernels.adapter;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.DeviceStruct;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;

/**
 * Launches {@code adapter/low_rank.cu} and {@code adapter/replace.cu}: what adapters change of the rows that are theirs. Which these are is read on
 * the device, and grids do not depend on it: blocks share out what there is.
 */
public final class AdapterKernels {
    /** What an adapter changes in a place. */
    public static final DeviceStruct CHANGE = new DeviceStruct("change", MemoryLayout.structLayout(
            JAVA_LONG.withName("down"), JAVA_LONG.withName("up"), JAVA_LONG.withName("whole"), JAVA_LONG.withName("gain"),
            JAVA_LONG.withName("shift"), JAVA_LONG.withName("replaced"), JAVA_INT.withName("rank"), JAVA_INT.withName("type"),
            JAVA_INT.withName("wholeType"), JAVA_FLOAT.withName("scale")));
    /** A matrix of a product. */
    public static final DeviceStruct SITE = new DeviceStruct("site", MemoryLayout.structLayout(
            JAVA_LONG.withName("bias"), JAVA_INT.withName("number"), JAVA_INT.withName("column"), JAVA_INT.withName("outputs"),
            JAVA_INT.withName("at")));
    private static final String FAMILY = "adapter";
    private static final int NUMBERS = 7;
    /** Blocks for each multiprocessor of those that are not often launched. */
    private static final int BLOCKS = 4;

    /**
     * How kernels cut their work.
     *
     * @param threads a block
     * @param tile most rows that are done together
     * @param chunk columns of the first product that are done together
     * @param outputs of another matrix a block
     * @param expandOutputs outputs of a product of low rank a block
     * @param shrinkBlocks blocks of first products that run at once on a multiprocessor
     * @param expandBlocks the same of second ones
     */
    public record Shape(int threads, int tile, int chunk, int outputs, int expandOutputs, int shrinkBlocks, int expandBlocks) {
        /** Chunks of rows of so many columns. */
        public int chunks(int cols) {
            return Math.ceilDiv(cols, chunk);
        }
    }

    /**
     * Where it stands who has which adapter, and what these change.
     *
     * @param tokens which rows of tokens have adapters
     * @param logits which rows of logits
     * @param changes for each adapter what it changes in each place, {@link #CHANGE}
     * @param places how many
     */
    public record Table(long tokens, long logits, long changes, int places) {
        long tiles(Value.Rows kind) {
            return kind == Value.Rows.TOKENS ? tokens : logits;
        }
    }

    /**
     * A product whose matrices adapters change.
     *
     * @param kind of its rows
     * @param sites its matrices, {@link #SITE}
     * @param outputs of each, in order; not to be changed
     * @param x the rows
     * @param cols of the matrices
     * @param y its results
     */
    public record Product(Value.Rows kind, long sites, int[] outputs, Rows x, int cols, Rows y) {
        private int parts(int size) {
            int parts = 0;
            for (int o : outputs) {
                parts += Math.ceilDiv(o, size);
            }
            return parts;
        }
    }

    /** A grid that does not depend on the rows. */
    private record Fixed(Launch launch, int blocks) implements RowsLaunch {
        @Override
        public void run(Stream stream, int rows) {
            launch.run(stream, blocks, 1, 1);
        }

        @Override
        public String toString() {
            return launch.toString();
        }
    }

    private final Kernels kernels;
    private final Arena arena;
    private final Table table;
    private final Shape shape;

    /** Launches whose memory the arena owns. */
    public AdapterKernels(Kernels kernels, Arena arena, Table table) {
        this.kernels = kernels;
        this.arena = arena;
        this.table = table;
        shape = shape(kernels);
    }

    /**
     * As the image says.
     *
     * @throws IllegalStateException if a struct is another one there; names it
     */
    public static Shape shape(Kernels kernels) {
        CHANGE.check(kernels);
        SITE.check(kernels);
        int[] s = kernels.shape(FAMILY, NUMBERS);
        return new Shape(s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
    }

    private Launch.Builder launch(String name, Value.Rows kind) {
        return kernels.launch(arena, name, shape.threads).pointer("tiles", table.tiles(kind)).pointer("changes", table.changes)
                .integer("all", table.places);
    }

    private Launch.Builder launch(String name, Product p) {
        return launch(name, p.kind).pointer("sites", p.sites).integer("count", p.outputs.length);
    }

    private RowsLaunch fixed(Launch.Builder b, int blocks) {
        return new Fixed(b.build(), blocks * kernels.multiprocessors());
    }

    /** Products by the first matrices of low rank, or by rows that take others' places: for each row and number a sum for each chunk of columns. */
    public RowsLaunch shrink(Product p, Rows thin) {
        return fixed(launch("adapter_shrink", p).pointer("x", p.x.floats()).integer("ldx", p.x.pitch()).integer("K", p.cols)
                .pointer("thin", thin.floats()).integer("ldt", thin.pitch()), shape.shrinkBlocks);
    }

    /**
     * What becomes of the products by that.
     *
     * @param kept residuals that were added to them; none if there are none, or no adapter needs them
     */
    public RowsLaunch expand(Product p, Rows thin, Rows kept) {
        return fixed(launch("adapter_expand", p).integer("parts", p.parts(shape.expandOutputs)).pointer("thin", thin.floats())
                .integer("ldt", thin.pitch()).integer("chunks", shape.chunks(p.cols)).pointer("kept", kept.floats()).integer("ldk", kept.pitch())
                .pointer("y", p.y.floats()).integer("ldy", p.y.pitch()), shape.expandBlocks);
    }

    /** Keeps residuals of rows whose products must be known apart from them. */
    public RowsLaunch keep(Product p, Rows residual, Rows kept, int width) {
        return fixed(launch("adapter_keep", p).pointer("residual", residual.floats()).integer("ldr", residual.pitch())
                .pointer("kept", kept.floats()).integer("ldk", kept.pitch()).integer("width", width), BLOCKS);
    }

    /** Products by other matrices, in place of the model's. */
    public RowsLaunch whole(Product p, Rows kept) {
        return fixed(launch("adapter_whole", p).integer("parts", p.parts(shape.outputs)).pointer("x", p.x.floats()).integer("ldx", p.x.pitch())
                .integer("K", p.cols).pointer("kept", kept.floats()).integer("ldk", kept.pitch())
                .pointer("y", p.y.floats()).integer("ldy", p.y.pitch()), BLOCKS);
    }

    /**
     * A norm of the model.
     *
     * @param place among all that adapters can change
     * @param kind of its rows
     * @param x what is normed, or those of its rows that an index names
     * @param rowIndex the index, or 0
     * @param weight its weight, or 0
     * @param bias its bias, or 0
     * @param centred whether the mean is taken off
     * @param eps of it
     * @param y results as floats, bytes or both
     * @param width of them
     */
    public record Norm(int place, Value.Rows kind, Rows x, long rowIndex, long weight, long bias, boolean centred, float eps, Rows y, int width) {
    }

    /** Norms rows anew by other weights. */
    public RowsLaunch norm(Norm n) {
        return fixed(launch("adapter_norm", n.kind).integer("number", n.place).pointer("x", n.x.floats())
                .integer("ldx", n.x.pitch()).pointer("rowIndex", n.rowIndex).pointer("w", n.weight).pointer("b", n.bias)
                .integer("centred", n.centred ? 1 : 0).real("eps", n.eps).pointer("y", n.y.floats()).integer("ldy", n.y.pitch())
                .pointer("q", n.y.bytes()).pointer("scales", n.y.scales()).integer("width", n.width), BLOCKS);
    }

    /** Changes rows of an embedding table, each by its token. */
    public RowsLaunch embed(int place, long ids, Rows y, int width) {
        return fixed(launch("adapter_embed", Value.Rows.TOKENS).integer("number", place).pointer("ids", ids).pointer("y", y.floats())
                .integer("ldy", y.pitch()).integer("width", width), BLOCKS);
    }
}
