package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.AttentionFrame;
import io.jllm.cpu.layout.attention.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Scratch memory of one thread for kernels. Grows to what a step needs and stays. */
public final class Workspace {
    /** Floats of the rows that are decoded at a time when many tokens share them: a quarter of a usual L2 cache. */
    static final int TILE_FLOATS = 1 << 16;
    /** Rows and tokens of the register tile. */
    public static final int TILE = 4;
    /** Bytes of a cache line. */
    private static final int LINE = 64;
    /** Most lanes of any vector. */
    private static final int MAX_LANES = 64;
    /** Tokens whose sums are finished together. */
    public static final int TOKENS = 32;
    /** Most rows of a panel. */
    static final int PANEL = 64;

    /** Decoded weights. */
    public final MemorySegment tile;
    /** One decoded row, for codecs that write arrays. */
    public final float[] row;
    /** Accumulators of the register tile, lane by lane. */
    public final float[] lanes = new float[TILE * TILE * MAX_LANES];
    /** Sums of a panel of rows and a group of tokens. */
    public final float[] sums = new float[PANEL * TOKENS];
    private float[] scores = {};
    private float[] queries = {};
    private float[] parts = {};
    private float[] totals = {};
    private float[] head = new float[256];
    private int[] pairs = {};
    private int[] starts = {};
    private float[] blockScales = {};
    private float[] arguments = new float[256];
    private final AttentionFrame attention;
    private final ProductTile products = new ProductTile();
    private final ProductTile decoded = new ProductTile();
    private double[] numbers = {};
    private Rows gathered = new Rows(MemorySegment.NULL, 0, 0);

    /**
     * Scratch memory for rows of at most {@code maxCols} floats.
     *
     * @param arena owns what is not on the heap
     */
    public Workspace(Arena arena, int maxCols) {
        this(arena, maxCols, 0);
    }

    /**
     * Scratch memory for such rows, and for the keys of a head in a block of the cache.
     *
     * @param keyFloats positions of a block by dimensions of a head
     */
    public Workspace(Arena arena, int maxCols, long keyFloats) {
        long floats = Math.max(TILE_FLOATS, keyFloats) * Float.BYTES + KvLayout.SLACK;
        tile = arena.allocate(Math.max(floats, TILE * tileStride(maxCols)), LINE);
        attention = new AttentionFrame(arena);
        row = new float[maxCols];
    }

    /**
     * Bytes from row to row of the tile. An odd number of cache lines: with a power of two, rows would fall into the same few
     * places of the first cache and drive each other out.
     */
    public static long tileStride(int cols) {
        return (Math.ceilDiv((long) cols * Float.BYTES, LINE) | 1) * LINE;
    }

    /** Rows that are decoded at a time when many tokens share them. */
    public static int panel(int cols) {
        return Math.clamp((long) TILE_FLOATS * Float.BYTES / tileStride(cols) / TILE * TILE, TILE, PANEL);
    }

    /** Room for {@code n} attention scores; not cleared, like all below. */
    public float[] scores(int n) {
        return scores = room(scores, n);
    }

    /** Room for {@code n} floats of queries; the same as before if there was as much. */
    public float[] queries(int n) {
        return queries = room(queries, n);
    }

    /** Room for {@code n} floats of sums over a chunk of positions. */
    public float[] parts(int n) {
        return parts = room(parts, n);
    }

    /** Room for {@code n} floats of sums over all positions. */
    public float[] totals(int n) {
        return totals = room(totals, n);
    }

    private static float[] room(float[] now, int n) {
        return now.length < n ? new float[n] : now;
    }

    /** Room for {@code n} pairs of numbers of a token of 8 bits. */
    public int[] pairs(int n) {
        return pairs = room(pairs, n);
    }

    /** Room for {@code n} numbers that sums of a token begin with. */
    public int[] starts(int n) {
        return starts = room(starts, n);
    }

    /** Room for a scale for each of {@code n} blocks of a token. */
    public float[] blockScales(int n) {
        return blockScales = room(blockScales, n);
    }

    private static int[] room(int[] now, int n) {
        return now.length < n ? new int[n] : now;
    }

    /** Room for {@code n} floats of a head or of a row. */
    public float[] head(int n) {
        return head = room(head, n);
    }

    /** Room for {@code n} arguments of an exponential. */
    public float[] arguments(int n) {
        return arguments = room(arguments, n);
    }

    /** Memory outside the heap for a head or a row of floats, for kernels that write there. */
    public MemorySegment row() {
        return tile;
    }

    /** For attention in machine code: what {@link io.jllm.cpu.machine.MachineAttention#frame} gave last. */
    public AttentionFrame attention() {
        return attention;
    }

    /** Memory for products that go elsewhere from there. */
    public ProductTile products() {
        return products;
    }

    /** Memory for weights that become floats, and for their products. */
    public ProductTile decoded() {
        return decoded;
    }

    /** A row of at least {@code n} floats, row 0, for what is taken from several places. */
    public Rows gathered(int n) {
        if (gathered.width() < n) {
            gathered = new Rows(Arena.ofAuto().allocate((long) n * Float.BYTES, LINE), 0, n);
        }
        return gathered;
    }

    /** Room for {@code n} numbers of double precision. */
    public double[] numbers(int n) {
        return numbers = numbers.length < n ? new double[n] : numbers;
    }

    /** Bytes it holds. */
    public long bytes() {
        long floats = (long) row.length + lanes.length + sums.length + scores.length + queries.length + parts.length + totals.length
                + head.length + arguments.length + pairs.length + starts.length + blockScales.length;
        return tile.byteSize() + attention.bytes() + products.bytes() + decoded.bytes() + gathered.data().byteSize()
                + (long) Double.BYTES * numbers.length + Float.BYTES * floats;
    }
}
