package io.jllm.cpu.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Scratch memory of one thread for kernels. Grows to what a step needs and stays. */
public final class Workspace {
    /** Floats of the rows that are decoded at a time when many tokens share them: a quarter of a usual L2 cache. */
    static final int TILE_FLOATS = 1 << 16;
    /** Rows and tokens of the register tile. */
    static final int TILE = 4;
    /** Bytes of a cache line. */
    private static final int LINE = 64;
    /** Most lanes of any vector. */
    private static final int MAX_LANES = 64;
    /** Tokens whose sums are finished together. */
    static final int TOKENS = 32;
    /** Most rows of a panel. */
    static final int PANEL = 64;

    /** Decoded weights. */
    final MemorySegment tile;
    /** One decoded row, for codecs that write arrays. */
    final float[] row;
    /** Halves of a row of 16-bit floats. */
    final short[] shorts;
    /** Accumulators of the register tile, lane by lane. */
    final float[] lanes = new float[TILE * TILE * MAX_LANES];
    /** Sums of a panel of rows and a group of tokens. */
    final float[] sums = new float[PANEL * TOKENS];
    private float[] scores = new float[1024];
    private float[] head = new float[256];
    private float[] arguments = new float[256];

    /**
     * Scratch memory for rows of at most {@code maxCols} floats.
     *
     * @param arena owns what is not on the heap
     */
    public Workspace(Arena arena, int maxCols) {
        tile = arena.allocate(Math.max((long) TILE_FLOATS * Float.BYTES, TILE * tileStride(maxCols)), LINE);
        row = new float[maxCols];
        shorts = new short[maxCols];
    }

    /**
     * Bytes from row to row of the tile. An odd number of cache lines: with a power of two, rows would fall into the same few
     * places of the first cache and drive each other out.
     */
    static long tileStride(int cols) {
        return (Math.ceilDiv((long) cols * Float.BYTES, LINE) | 1) * LINE;
    }

    /** Rows that are decoded at a time when many tokens share them. */
    static int panel(int cols) {
        return Math.clamp((long) TILE_FLOATS * Float.BYTES / tileStride(cols) / TILE * TILE, TILE, PANEL);
    }

    /** Room for {@code n} attention scores. */
    public float[] scores(int n) {
        if (scores.length < n) {
            scores = new float[Math.max(n, (int) Math.min(Integer.MAX_VALUE - 8L, scores.length * 2L))];
        }
        return scores;
    }

    /** Room for {@code n} floats of a head or of a row; not cleared. */
    public float[] head(int n) {
        if (head.length < n) {
            head = new float[n];
        }
        return head;
    }

    /** Room for {@code n} arguments of an exponential. */
    float[] arguments(int n) {
        if (arguments.length < n) {
            arguments = new float[n];
        }
        return arguments;
    }

    /** Bytes it holds. */
    public long bytes() {
        long floats = (long) row.length + lanes.length + sums.length + scores.length + head.length + arguments.length;
        return tile.byteSize() + Float.BYTES * floats + (long) Short.BYTES * shorts.length;
    }
}
