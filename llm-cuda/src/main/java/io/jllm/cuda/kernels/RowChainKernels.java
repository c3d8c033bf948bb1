package io.jllm.cuda.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.TensorMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** Launches {@code chain/chain_rows.cu}: products of up to 8 rows by weights of 16 bits, done in order by one launch. */
public final class RowChainKernels {
    /** A link of a chain, as {@code chain/rows.cuh} reads it. */
    static final DeviceStruct LINK = new DeviceStruct("link", MemoryLayout.structLayout(
            JAVA_LONG.withName("from"), JAVA_LONG.withName("in"), JAVA_LONG.withName("squaresIn"), JAVA_LONG.withName("bias"),
            JAVA_LONG.withName("residual"), JAVA_LONG.withName("y"), JAVA_LONG.withName("out"), JAVA_LONG.withName("norm"),
            JAVA_LONG.withName("squaresOut"), JAVA_INT.withName("N"), JAVA_INT.withName("K"), JAVA_INT.withName("act"),
            JAVA_INT.withName("prepares"), JAVA_INT.withName("ldx"), JAVA_INT.withName("ldr"), JAVA_INT.withName("ldy"), JAVA_FLOAT.withName("eps"),
            MemoryLayout.paddingLayout(8)));

    private static final String FAMILY = "chain_rows";
    private static final int NUMBERS = 9;
    /** Columns of matrices come in multiples of this, as boxes of maps do. */
    private static final int COLUMNS = TensorMap.BOX_COLUMNS;
    /** Stages of weights on their way to a block: where there is room for fewer, kernels one by one are faster. */
    private static final int LEAST_STAGES = 3;

    private final Kernels kernels;
    private final Arena arena;
    private final Shape shape;
    private final ChainMemory memory;
    private int chains;

    /**
     * Launches whose memory the arena owns; {@link #exist} must hold.
     *
     * @throws IllegalStateException if links are others in the image; names the member
     */
    public RowChainKernels(Kernels kernels, Arena arena, ChainMemory memory) {
        LINK.check(kernels);
        this.kernels = kernels;
        this.arena = arena;
        this.memory = memory;
        shape = Shape.of(kernels);
    }

    /**
     * What the image says of chains.
     *
     * @param threads a block
     * @param sharedBytes shared memory that a block takes in any case
     * @param stageBytes of weights on their way
     * @param mostStages of a block
     * @param mostRows of a chain
     * @param mostLinks of a chain
     * @param columns of a record of an image
     * @param recordBytes of that
     * @param boxRows of the boxes in which matrices come
     */
    private record Shape(int threads, int sharedBytes, int stageBytes, int mostStages, int mostRows, int mostLinks, int columns, int recordBytes,
            int boxRows) {
        static Shape of(Kernels kernels) {
            int[] n = kernels.shape(FAMILY, NUMBERS);
            return new Shape(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]);
        }

        /** Stages that a block has room for. */
        int stages(Kernels kernels) {
            return Math.min(mostStages, (kernels.sharedMemory() - sharedBytes) / stageBytes);
        }

        /** Bytes of the maps of a chain's matrices, behind which its links stand. */
        int mapBytes() {
            return mostLinks * TensorMap.BYTES;
        }
    }

    /** Memory for so many chains, of matrices of so many columns at most, at no address yet. */
    public static ChainMemory memory(Kernels kernels, int width, int chains) {
        Shape shape = Shape.of(kernels);
        long records = Math.ceilDiv(width, shape.columns);
        return ChainMemory.of(records * shape.recordBytes, records * shape.mostRows * Float.BYTES, shape.mapBytes() + shape.mostLinks * LINK.bytes(),
                chains);
    }

    /**
     * A product of a chain, by what the one before it leaves.
     *
     * @param weights its matrix; with a gate it has twice as many rows as outputs
     * @param norm what x is normed by first, root mean square, if anything
     * @param bias or 0
     * @param residual or {@link Rows#NONE}
     * @param y where floats go, or {@link Rows#NONE}
     * @param act the activation of a gate; -1 without
     */
    public record Product(ProductKernels.Weights weights, Optional<ProductKernels.Norm> norm, long bias, Rows residual, Rows y, int act) {
        int matrixRows() {
            return (act < 0 ? 1 : 2) * weights.outputs();
        }

        long bytes() {
            return weights.format().bytes(matrixRows(), weights.cols());
        }
    }

    /** Whether there is such a kernel for a format, and the device can run it. */
    public static boolean exist(Kernels kernels, DeviceFormat format) {
        return kernels.overlap() && TensorMap.known() && kernels.find(name(format)).isPresent()
                && Shape.of(kernels).stages(kernels) >= LEAST_STAGES;
    }

    /** Whether a chain can multiply by matrices of so many columns. */
    public static boolean takes(int cols) {
        return cols % COLUMNS == 0;
    }

    private static String name(DeviceFormat format) {
        return FAMILY + "_" + format.suffix();
    }

    /** Most rows of a chain. */
    public static int mostRows(Kernels kernels) {
        return Shape.of(kernels).mostRows;
    }

    /** Most products of a chain: one link makes the first image. */
    public int mostProducts() {
        return shape.mostLinks - 1;
    }

    /**
     * Products of one format, each by the outputs of the one before it, the first by rows of floats.
     *
     * @param x rows of floats
     * @param products 1 to {@link #mostProducts}
     */
    public RowsLaunch chain(Rows x, List<Product> products) {
        MemorySegment all = arena.allocate(memory.chainBytes(), TensorMap.ALIGNMENT);
        long maps = memory.address() + memory.chainAt(chains);
        MemorySegment first = link(all, 0);
        first.set(JAVA_LONG, LINK.at("from"), x.floats());
        first.set(JAVA_INT, LINK.at("N"), products.getFirst().weights.cols());
        first.set(JAVA_INT, LINK.at("act"), -1);
        first.set(JAVA_INT, LINK.at("prepares"), 1);
        first.set(JAVA_INT, LINK.at("ldx"), x.pitch());
        memory.out(LINK, first, 0, products.getFirst());
        for (int i = 0; i < products.size(); i++) {
            Product p = products.get(i);
            MemorySegment map = map(p.weights, p.matrixRows()).memory();
            MemorySegment.copy(map, 0, all, (long) TensorMap.BYTES * i, TensorMap.BYTES);
            MemorySegment link = link(all, i + 1);
            ChainMemory.product(LINK, link, p, maps + (long) TensorMap.BYTES * i);
            link.set(JAVA_LONG, LINK.at("in"), memory.rows(i));
            link.set(JAVA_LONG, LINK.at("squaresIn"), p.norm.isPresent() ? memory.squares(i) : 0);
            if (i + 1 < products.size()) {
                memory.out(LINK, link, i + 1, products.get(i + 1));
            }
        }
        memory.write(chains++, all);
        DeviceFormat format = products.getFirst().weights.format();
        int stages = shape.stages(kernels);
        Launch launch = kernels.launchTogether(arena, name(format), shape.threads, shape.sharedBytes + stages * shape.stageBytes)
                .reads(products.stream().mapToLong(Product::bytes).sum()).pointer("links", maps + shape.mapBytes())
                .integer("count", products.size() + 1).pointer("arrived", memory.address()).integer("stages", stages).integer("rows", 0).build();
        return new RowsLaunch.Told(launch, kernels.multiprocessors());
    }

    private MemorySegment link(MemorySegment all, int index) {
        return all.asSlice(shape.mapBytes() + LINK.bytes() * index, LINK.bytes());
    }

    private TensorMap map(ProductKernels.Weights w, int rows) {
        TensorMap.Type type = w.format() == DeviceFormat.BF16 ? TensorMap.Type.BF16 : TensorMap.Type.F16;
        return TensorMap.deep(arena, new TensorMap.Matrix(type, w.address(), rows, w.cols(), w.cols()), shape.boxRows);
    }
}
