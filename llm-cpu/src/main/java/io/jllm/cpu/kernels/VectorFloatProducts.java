package io.jllm.cpu.kernels;

import static io.jllm.cpu.kernels.VectorKernels.L;
import static io.jllm.cpu.kernels.VectorUnpack.V;

import io.jllm.cpu.machine.TokenFormat;
import io.jllm.cpu.machine.WeightFormat;
import java.lang.foreign.MemorySegment;

/**
 * Products of weights that are floats, and of integers too large for sums of 16 bits, which are computed as floats. Panels of 32 rows and
 * 128 columns stay in the first cache while tokens pass by; a single token's products are computed from what is in memory.
 */
final class VectorFloatProducts {
    private static final int ROWS = PackedMatrix.ROWS;
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final int GROUPS = 2;
    /** Rows of a panel. */
    private static final int PANEL = GROUPS * ROWS;
    /** Blocks of a panel: whole units of every format. */
    private static final int CHUNK = 4;
    /** Tokens that pass by a panel before it makes room for the next. */
    private static final int TOKENS = 128;
    private static final int TILE = 4;
    /** Strips of a group. */
    private static final int PARTS = ROWS / Math.min(L, ROWS);
    private static final long LINE = WeightFormat.VECTOR;
    // Where things are in a workspace's tile, in bytes.
    private static final long NUMBERS = 0;
    private static final long GROUP_NUMBERS = CHUNK * BLOCK * LINE;
    private static final long SCALES = NUMBERS + GROUPS * GROUP_NUMBERS;
    private static final long STRIP_SCALES = (long) CHUNK * V;
    private static final long ACC = SCALES + GROUPS * PARTS * STRIP_SCALES;
    /** Sums of a token: a float for each row of a panel. */
    private static final long ACC_BYTES = (long) PANEL * Float.BYTES;

    private VectorFloatProducts() {
    }

    /** {@link PackedKernels#linear} for such formats. */
    static void linear(PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out, Workspace ws) {
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            for (int t = 0; t < tokens; t += TOKENS) {
                int count = Math.min(TOKENS, tokens - t);
                ws.tile.asSlice(ACC, count * ACC_BYTES).fill((byte) 0);
                if (tokens == 1) {
                    single(w, r, rows, x, ws.tile);
                } else {
                    panel(w, r, rows, x, t, count, tokens, ws.tile);
                }
                for (int i = 0; i < count; i++) {
                    out.put(w, r, rows, t + i, ws.tile, ACC + i * ACC_BYTES);
                }
            }
        }
    }

    private static int strips(int rows) {
        return Math.ceilDiv(rows, ROWS) * PARTS;
    }

    /** One token, of floats. An odd last strip is computed twice, here and below; the second of the two has a place of its own. */
    private static void single(PackedMatrix w, int row, int rows, BlockRows x, MemorySegment m) {
        int strips = strips(rows);
        long bytes = V * (w.format() == WeightFormat.F16 ? 1L : 2L) / 2;
        long stride = x.format().blockBytes();
        for (int s = 0; s < strips; s += 2) {
            int second = Math.min(s + 1, strips - 1);
            long w0 = w.unit(row / ROWS + s / PARTS, 0) + s % PARTS * bytes;
            long w1 = w.unit(row / ROWS + second / PARTS, 0) + second % PARTS * bytes;
            long acc = ACC + (long) s * V;
            switch (w.format()) {
                case F16 -> VectorFloats.halves1(w.data(), w0, w1, x.data(), x.at(0), stride, w.blocks(), m, acc);
                case BF16 -> VectorFloats.brains1(w.data(), w0, w1, x.data(), x.at(0), stride, w.blocks(), m, acc);
                default -> VectorFloats.add1(w.data(), w0, w1, x.data(), x.at(0), stride, w.blocks(), m, acc);
            }
        }
    }

    private static void panel(PackedMatrix w, int row, int rows, BlockRows x, int token, int tokens, int all, MemorySegment m) {
        boolean stored = w.format() == WeightFormat.F32;
        int strips = strips(rows);
        for (int b = 0; b < w.blocks(); b += CHUNK) {
            int blocks = Math.min(CHUNK, w.blocks() - b);
            for (int g = 0; g < strips / PARTS && !stored; g++) {
                unpack(w, w.unit(row / ROWS + g, b), blocks, g, m);
            }
            MemorySegment numbers = stored ? w.data() : m;
            long first = stored ? w.unit(row / ROWS, b) : NUMBERS;
            long group = stored ? w.groupBytes() : GROUP_NUMBERS;
            for (int t = 0; t < tokens;) {
                int width = tokens - t >= TILE ? TILE : 1;
                for (int s = 0; s < strips; s += 2) {
                    int second = Math.min(s + 1, strips - 1);
                    long w0 = first + s / PARTS * group + (long) (s % PARTS) * V;
                    long w1 = first + second / PARTS * group + (long) (second % PARTS) * V;
                    long acc = ACC + t * ACC_BYTES + (long) s * V;
                    if (x.format() == TokenFormat.NUMBERS) {
                        scaled(w0, w1, SCALES + s * STRIP_SCALES, SCALES + second * STRIP_SCALES, x, token + t, width, b, blocks, m, acc);
                    } else {
                        add(numbers, w0, w1, x, token + t, all, width, b, blocks, m, acc);
                    }
                }
                t += width;
            }
        }
    }

    private static void add(MemorySegment w, long w0, long w1, BlockRows x, int token, int tokens, int width, int block, int blocks, MemorySegment m,
                            long acc) {
        int first = token / BlockRows.GROUP * BlockRows.GROUP;
        long bytes = x.format().blockBytes();
        long stride = BlockRows.size(first, tokens) * bytes;
        long x0 = x.at(first) + block * stride + (token - first) * bytes;
        if (width == TILE) {
            VectorFloats.add4(w, w0, w1, x.data(), x0, bytes, stride, blocks, m, acc, ACC_BYTES);
        } else {
            VectorFloats.add1(w, w0, w1, x.data(), x0, stride, blocks, m, acc);
        }
    }

    private static void scaled(long w0, long w1, long d0, long d1, BlockRows x, int token, int width, int block, int blocks, MemorySegment m, long acc) {
        long at = x.at(token);
        long x0 = at + (long) block * BLOCK * Float.BYTES;
        long e0 = at + (long) x.cols() * Float.BYTES + (long) block * Float.BYTES;
        if (width == TILE) {
            VectorFloats.scaled4(m, w0, w1, d0, d1, x.data(), x0, e0, x.format().bytes(1, x.cols()), blocks, acc, ACC_BYTES);
        } else {
            VectorFloats.scaled1(m, w0, w1, d0, d1, x.data(), x0, e0, blocks, acc);
        }
    }

    /** Blocks of a group, from the start of a unit on. */
    private static void unpack(PackedMatrix w, long unit, int blocks, int group, MemorySegment m) {
        WeightFormat format = w.format();
        long to = NUMBERS + group * GROUP_NUMBERS;
        switch (format) {
            case F16 -> VectorFloats.fromHalves(w.data(), unit, blocks * BLOCK * ROWS, m, to);
            case BF16 -> VectorFloats.fromBrains(w.data(), unit, blocks * BLOCK / 2, m, to);
            case Q8_0 -> {
                for (int b = 0; b < blocks; b++) {
                    long at = unit + (b >> 1) * (long) format.unitBytes(2);
                    VectorFloats.fromBytes(w.data(), at + LINE + (long) (b & 1) * format.blockBytes(), BLOCK / 4, m, to + b * BLOCK * LINE);
                    for (int part = 0; part < PARTS; part++) {
                        VectorUnpack.half(w.data(), at + (b & 1) * (LINE / 2) + (long) part * V / 2, m,
                                SCALES + (group * PARTS + part) * STRIP_SCALES + (long) b * V);
                    }
                }
            }
            default -> throw new IllegalArgumentException("no vectors of floats for " + format);
        }
    }
}
