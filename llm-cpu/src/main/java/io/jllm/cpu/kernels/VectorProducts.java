package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorKernels.L;
import static io.jllm.cpu.kernels.VectorUnpack.PAIRS;
import static io.jllm.cpu.kernels.VectorUnpack.V;

import io.jllm.cpu.machine.TokenFormat;
import io.jllm.cpu.machine.WeightFormat;
import io.jllm.cpu.machine.WeightMemory;
import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Products of weights, rearranged at load, by the Vector API, in the width that the processor prefers. Panels of 32 rows and 256 columns
 * at a time become integers of 16 bits, which stay in the first cache while tokens pass by; a single token's products are computed from
 * what is in memory, where there is code for it.
 */
final class VectorProducts implements PackedKernels {
    private static final int ROWS = PackedMatrix.ROWS;
    /** Rows of a panel, two groups. */
    private static final int PANEL = 2 * ROWS;
    /** Blocks of a panel: whole units of every format. */
    private static final int CHUNK = 8;
    /** Tokens that pass by a panel before it makes room for the next. */
    private static final int TOKENS = 128;
    /** Strips of a group. */
    private static final int PARTS = ROWS / Math.min(L, ROWS);
    // Where things are in a workspace's tile, in bytes.
    private static final long INTEGERS = 0;
    private static final long STRIP_INTEGERS = (long) CHUNK * PAIRS * V;
    private static final long SCALES = INTEGERS + 2 * PARTS * STRIP_INTEGERS;
    private static final long STRIP_SCALES = 2L * CHUNK * V;
    private static final long MINIMA = SCALES + 2 * PARTS * STRIP_SCALES;
    private static final long STRIP_MINIMA = (long) CHUNK * V;
    private static final long SUMS = MINIMA + 2 * PARTS * STRIP_MINIMA;
    private static final long ACC = SUMS + 2L * CHUNK * 2 * VectorTiles.TOKENS * V;
    /** Sums of a token: a float for each row of a panel. */
    private static final long ACC_BYTES = (long) PANEL * Float.BYTES;

    private final WeightMemory memory = WeightMemory.allowed();

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public List<DType> types() {
        return L > ROWS ? List.of() : List.of(DType.Q4_0, DType.Q4_K, DType.Q5_K, DType.Q6_K);
    }

    @Override
    public boolean packs(DType type) {
        return types().contains(type);
    }

    @Override
    public TokenFormat tokens(DType type) {
        return TokenFormat.PAIRS;
    }

    @Override
    public WeightMemory memory() {
        return memory;
    }

    @Override
    public void arrange(Rows x, int token, int tokens, BlockRows to, Workspace ws) {
        for (int t = token; t < token + BlockRows.size(token, tokens); t++) {
            VectorTokens.pairs(x.data(), x.row(t), to.cols() / TokenFormat.BLOCK, to.data(), to.at(t), ws.tile);
        }
    }

    @Override
    public void linear(PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out, Workspace ws) {
        if (tokens == 1 && w.format() == WeightFormat.Q4_0) {
            single(w, from, to, x, out, ws);
            return;
        }
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            for (int t = 0; t < tokens; t += TOKENS) {
                int count = Math.min(TOKENS, tokens - t);
                panel(w, r, rows, x, t, count, ws.tile);
                for (int i = 0; i < count; i++) {
                    out.put(w, r, rows, t + i, ws.tile, ACC + i * ACC_BYTES);
                }
            }
        }
    }

    private static void single(PackedMatrix w, int from, int to, BlockRows x, Target out, Workspace ws) {
        int blocks = w.blocks();
        int[] pairs = ws.pairs(blocks * PAIRS);
        int[] sums = ws.blockSums(blocks);
        float[] scales = ws.blockScales(blocks);
        long fields = x.at(0) + (long) blocks * VectorTokens.PAIRS;
        MemorySegment.copy(x.data(), Layout.INT, x.at(0), pairs, 0, blocks * PAIRS);
        MemorySegment.copy(x.data(), Rows.FLOAT, fields, scales, 0, blocks);
        MemorySegment.copy(x.data(), Layout.INT, fields + (long) blocks * Float.BYTES, sums, 0, blocks);
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            row(w, r, rows, pairs, sums, scales, ws.tile);
            out.put(w, r, rows, 0, ws.tile, ACC);
        }
    }

    private static int strips(int rows) {
        return Math.ceilDiv(rows, ROWS) * PARTS;
    }

    private static void row(PackedMatrix w, int row, int rows, int[] x, int[] sums, float[] scales, MemorySegment m) {
        for (int s = 0; s < strips(rows); s++) {
            VectorRow.q4(w.data(), w.unit(row / ROWS + s / PARTS, 0), s % PARTS, x, sums, scales, w.blocks(), m, ACC + (long) s * V);
        }
    }

    private static void panel(PackedMatrix w, int row, int rows, BlockRows x, int token, int tokens, MemorySegment m) {
        int strips = strips(rows);
        m.asSlice(ACC, tokens * ACC_BYTES).fill((byte) 0);
        for (int b = 0; b < w.blocks(); b += CHUNK) {
            int blocks = Math.min(CHUNK, w.blocks() - b);
            for (int s = 0; s < strips; s++) {
                VectorUnpack.unpack(w.format(), w.data(), w.unit(row / ROWS + s / PARTS, b), s % PARTS, blocks, m, INTEGERS + s * STRIP_INTEGERS,
                        SCALES + s * STRIP_SCALES, MINIMA + s * STRIP_MINIMA);
            }
            for (int t = 0; t < tokens;) {
                int width = tokens - t >= VectorTiles.TOKENS ? VectorTiles.TOKENS : 1;
                for (int s = 0; s < strips; s += 2) {
                    // An odd last strip is computed twice; the second of the two has a place of its own.
                    tile(w, s, Math.min(s + 1, strips - 1), blocks, x, token + t, b, width, m, ACC + t * ACC_BYTES + (long) s * V);
                }
                t += width;
            }
        }
    }

    /** Two strips of a panel by one token or four. */
    private static void tile(PackedMatrix w, int first, int second, int blocks, BlockRows x, int token, int block, int tokens, MemorySegment m,
                             long acc) {
        long stride = x.format().bytes(1, x.cols());
        long x0 = x.at(token) + (long) block * VectorTokens.PAIRS;
        long fields = x.at(token) + (long) w.blocks() * VectorTokens.PAIRS + (long) block * Float.BYTES;
        long field = (long) w.blocks() * Float.BYTES;
        if (w.format() == WeightFormat.Q4_0 && tokens == VectorTiles.TOKENS) {
            VectorTile.scaled4(m, INTEGERS + first * STRIP_INTEGERS, INTEGERS + second * STRIP_INTEGERS, SCALES + first * STRIP_SCALES,
                    SCALES + second * STRIP_SCALES, x.data(), x0, fields, stride, blocks, acc, ACC_BYTES);
            return;
        }
        int halves = w.format() == WeightFormat.Q6_K ? 2 : 1;
        int n = PAIRS / halves;
        long step = 2L * tokens * V;
        for (int i = 0; i < halves * blocks; i++) {
            long integers = INTEGERS + (long) i * n * V;
            long pairs = x0 + (long) i * n * Integer.BYTES;
            long to = SUMS + i * step;
            if (tokens == 1) {
                VectorTiles.sums1(m, integers + first * STRIP_INTEGERS, integers + second * STRIP_INTEGERS, x.data(), pairs, n, to);
            } else {
                VectorTiles.sums4(m, integers + first * STRIP_INTEGERS, integers + second * STRIP_INTEGERS, x.data(), pairs, stride, n, to);
            }
        }
        for (int t = 0; t < tokens; t++) {
            long from = SUMS + 2L * t * V;
            long xt = fields + t * stride;
            long at = acc + t * ACC_BYTES;
            long d0 = SCALES + first * STRIP_SCALES;
            long d1 = SCALES + second * STRIP_SCALES;
            switch (w.format()) {
                case Q4_0 -> VectorTiles.scaled(m, from, step, d0, d1, x.data(), xt, blocks, at);
                case Q6_K -> {
                    VectorTiles.halves(m, from, step, d0, x.data(), xt, blocks, at);
                    VectorTiles.halves(m, from + V, step, d1, x.data(), xt, blocks, at + V);
                }
                default -> {
                    int factor = w.format() == WeightFormat.Q5_K ? 2 : 1;
                    VectorTiles.minima(m, from, step, d0, MINIMA + first * STRIP_MINIMA, factor, x.data(), xt, field, blocks, at);
                    VectorTiles.minima(m, from + V, step, d1, MINIMA + second * STRIP_MINIMA, factor, x.data(), xt, field, blocks, at + V);
                }
            }
        }
    }
}
