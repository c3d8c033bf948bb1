package io.jllm.cuda.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.driver.TensorMap;
import io.jllm.cuda.kernels.RowChainKernels.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;

/** Launches {@code chain/chain_blocks.cu}: products of up to 16 rows of bytes by weights of 4 bits, done in order by one launch. */
public final class BlockChainKernels {
    /** A link of a chain, as {@code chain/blocks.cuh} reads it. */
    static final DeviceStruct LINK = new DeviceStruct("blockLink", MemoryLayout.structLayout(
            JAVA_LONG.withName("from"), JAVA_LONG.withName("in"), JAVA_LONG.withName("scales"), JAVA_LONG.withName("squaresIn"),
            JAVA_LONG.withName("bias"), JAVA_LONG.withName("residual"), JAVA_LONG.withName("y"), JAVA_LONG.withName("out"),
            JAVA_LONG.withName("norm"), JAVA_LONG.withName("squaresOut"), JAVA_INT.withName("N"),
            JAVA_INT.withName("K"), JAVA_INT.withName("act"), JAVA_INT.withName("ldr"), JAVA_INT.withName("ldy"), JAVA_FLOAT.withName("eps"),
            MemoryLayout.paddingLayout(8)));

    private static final String FAMILY = "chain_blocks";
    private static final int NUMBERS = 10;
    private static final int SIZE_NUMBERS = 4;
    /** As names of kernels end, for few rows first. */
    private static final List<String> SIZES = List.of("_n1", "_n2");
    /** Stages of weights on their way to a block: where there is room for fewer, kernels one by one are faster. */
    private static final int LEAST_STAGES = 3;
    /** Stages that x leaves room for where it stays in a block. */
    private static final int GOOD_STAGES = 6;
    private static final int MAPS = 2;
    /** Values of a block of weights, and of activations that have a scale. */
    private static final int BLOCK = 32;
    /** Rows of a matrix whose scales stand side by side. */
    private static final int GROUP = (int) DeviceFormat.ROW_GROUP;

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
    public BlockChainKernels(Kernels kernels, Arena arena, ChainMemory memory) {
        LINK.check(kernels);
        this.kernels = kernels;
        this.arena = arena;
        this.memory = memory;
        shape = Shape.of(kernels);
    }

    /**
     * What the image says of chains of so many rows.
     *
     * @param name of the kernels
     * @param sharedBytes shared memory that a block takes in any case
     * @param slotBytes of x for a stage
     * @param recordBytes of a record of x
     * @param rows most of them
     */
    private record Size(String name, int sharedBytes, int slotBytes, int recordBytes, int rows) {
        static Size of(Kernels kernels, String name) {
            int[] n = kernels.shape(FAMILY + name, SIZE_NUMBERS);
            return new Size(name, n[0], n[1], n[2], n[3]);
        }

        private int room(Kernels kernels) {
            return kernels.sharedMemory() - sharedBytes;
        }
    }

    /**
     * What the image says of all chains.
     *
     * @param sizes those that the device has room for, for few rows first
     * @param threads a block
     * @param stageBytes of weights on their way
     * @param leastSlots for x in a block
     * @param mostStages of a block
     * @param mostRows of a chain
     * @param mostLinks of a chain
     * @param columns of a stage
     * @param recordColumns of a record of x
     * @param unitRows of a matrix that a block multiplies together, outputs that become bytes together
     * @param parts of columns that a box of a matrix has
     */
    private record Shape(List<Size> sizes, int threads, int stageBytes, int leastSlots, int mostStages, int mostRows, int mostLinks, int columns,
            int recordColumns, int unitRows, int parts) {
        static Shape of(Kernels kernels) {
            int[] n = kernels.shape(FAMILY, NUMBERS);
            List<Size> sizes = SIZES.stream().map(name -> Size.of(kernels, name))
                    .filter(s -> s.room(kernels) - n[2] * s.slotBytes >= LEAST_STAGES * n[1]).toList();
            return new Shape(sizes, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9]);
        }

        /** Bytes of records of so many columns, of most rows. */
        long rowBytes(int cols) {
            return (long) Math.ceilDiv(cols, recordColumns) * sizes.getLast().recordBytes;
        }

        /** Slots for x: all of it stays in a block if that leaves room for stages, else that of products that meet it several times. */
        int slots(Kernels kernels, Size size, List<Product> products) {
            int most = (size.room(kernels) - GOOD_STAGES * stageBytes) / size.slotBytes;
            int all = stages(products.stream());
            int often = stages(products.stream().filter(p -> p.matrixRows() > unitRows * kernels.multiprocessors()));
            return Math.max(leastSlots, all <= most ? all : Math.min(often, most));
        }

        /** Stages of a unit of the widest product. */
        private int stages(Stream<Product> products) {
            return products.mapToInt(p -> Math.ceilDiv(p.weights().cols(), columns)).max().orElse(0);
        }

        /** Stages that a block has room for beside so many slots. */
        int stages(Kernels kernels, Size size, int slots) {
            return Math.min(mostStages, (size.room(kernels) - slots * size.slotBytes) / stageBytes);
        }

        /** Bytes of the maps of a chain's matrices, behind which its links stand. */
        int mapBytes() {
            return mostLinks * MAPS * TensorMap.BYTES;
        }
    }

    /** Memory for so many chains, of matrices of so many columns at most, at no address yet. */
    public static ChainMemory memory(Kernels kernels, int width, int chains) {
        Shape shape = Shape.of(kernels);
        long squares = (long) shape.mostRows * Math.ceilDiv(width, BLOCK) * Float.BYTES;
        return ChainMemory.of(shape.rowBytes(width), squares, shape.mapBytes() + shape.mostLinks * LINK.bytes(), chains);
    }

    /** Whether there is such a kernel for a format, and the device can run it. */
    public static boolean exist(Kernels kernels, DeviceFormat format) {
        return kernels.overlap() && TensorMap.known() && kernels.find(name(format, SIZES.getFirst())).isPresent()
                && !Shape.of(kernels).sizes.isEmpty();
    }

    /** Whether a chain can gate so many outputs. */
    public static boolean gates(int outputs) {
        return outputs % BLOCK == 0;
    }

    private static String name(DeviceFormat format, String size) {
        return FAMILY + "_" + format.suffix() + size;
    }

    /** Most rows of a chain. */
    public int mostRows() {
        return shape.sizes.getLast().rows;
    }

    /** Most products of a chain. */
    public int mostProducts() {
        return shape.mostLinks;
    }

    /**
     * Products of one format, each by the outputs of the one before it, the first by rows of bytes.
     *
     * @param x rows of bytes
     * @param products 1 to {@link #mostProducts}; the first one has no norm
     */
    public RowsLaunch chain(Rows x, List<Product> products) {
        MemorySegment all = arena.allocate(memory.chainBytes(), TensorMap.ALIGNMENT);
        long maps = memory.address() + memory.chainAt(chains);
        for (int i = 0; i < products.size(); i++) {
            Product p = products.get(i);
            long map = (long) MAPS * TensorMap.BYTES * i;
            MemorySegment.copy(nibbles(p).memory(), 0, all, map, TensorMap.BYTES);
            MemorySegment.copy(scales(p).memory(), 0, all, map + TensorMap.BYTES, TensorMap.BYTES);
            MemorySegment link = all.asSlice(shape.mapBytes() + LINK.bytes() * i, LINK.bytes());
            ChainMemory.product(LINK, link, p, maps + map);
            link.set(JAVA_LONG, LINK.at("in"), i == 0 ? x.bytes() : memory.rows(i));
            link.set(JAVA_LONG, LINK.at("scales"), i == 0 ? x.scales() : 0);
            link.set(JAVA_LONG, LINK.at("squaresIn"), p.norm().isPresent() ? memory.squares(i) : 0);
            if (i + 1 < products.size()) {
                memory.out(LINK, link, i + 1, products.get(i + 1));
            }
        }
        memory.write(chains++, all);
        List<RowsLaunch> launches = shape.sizes.stream().map(size -> launch(size, products, maps + shape.mapBytes())).toList();
        return launches.size() == 1 ? launches.getFirst() : new RowsLaunch.UpTo(shape.sizes.getFirst().rows, launches.getFirst(), launches.getLast());
    }

    private RowsLaunch launch(Size size, List<Product> products, long links) {
        int slots = shape.slots(kernels, size, products);
        int stages = shape.stages(kernels, size, slots);
        Launch launch = kernels.launchTogetherSoon(arena, name(products.getFirst().weights().format(), size.name), shape.threads,
                size.sharedBytes + stages * shape.stageBytes + slots * size.slotBytes).reads(products.stream().mapToLong(Product::bytes).sum())
                .pointer("links", links).integer("count", products.size()).pointer("arrived", memory.address())
                .integer("stages", stages).integer("slots", slots).integer("rows", 0).build();
        return new RowsLaunch.Told(launch, kernels.multiprocessors());
    }

    /** Numbers of 4 bits: columns by every fourth row by the rows between them by parts of columns. */
    private TensorMap nibbles(Product p) {
        long row = p.weights().cols() / 2;
        long part = TensorMap.BOX_COLUMNS * Short.BYTES;
        return TensorMap.of(arena, TensorMap.Type.U16, p.weights().address(),
                new long[] {TensorMap.BOX_COLUMNS, Math.ceilDiv(p.matrixRows(), GROUP), GROUP, Math.ceilDiv(row, part)},
                new long[] {GROUP * row, row, part}, new int[] {TensorMap.BOX_COLUMNS, shape.unitRows / GROUP, GROUP, shape.parts});
    }

    /** Scales of four rows each, side by side. */
    private TensorMap scales(Product p) {
        long cols = p.weights().cols();
        long halves = GROUP * (cols / BLOCK);
        long pitch = Math.ceilDiv(halves * Short.BYTES, DeviceFormat.ROW_ALIGNMENT) * DeviceFormat.ROW_ALIGNMENT;
        return TensorMap.of(arena, TensorMap.Type.U16, p.weights().address() + p.weights().format().lastPlaneAt(p.matrixRows(), cols),
                new long[] {halves, Math.ceilDiv(p.matrixRows(), GROUP)}, new long[] {pitch},
                new int[] {TensorMap.BOX_COLUMNS, shape.unitRows / GROUP});
    }
}
