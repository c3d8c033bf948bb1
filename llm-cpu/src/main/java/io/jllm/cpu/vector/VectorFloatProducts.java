package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.V;

import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.Numbers.EightBits;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;

/**
 * Products of weights that are floats, and of integers too large for sums of 16 bits, which are computed as floats. Panels of 64 rows and
 * 64 columns stay in the first cache while tokens pass by; a single token's products are computed from what is in memory.
 */
final class VectorFloatProducts implements PackedProducts {
    private static final int ROWS = PackedMatrix.ROWS;
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final int GROUPS = 4;
    /** Rows of a panel. */
    private static final int PANEL = GROUPS * ROWS;
    /** Blocks of a panel: whole units, or a part of one that divides it. */
    private static final int CHUNK = 2;
    /** Tokens that pass by a panel before it makes room for the next. */
    private static final int TOKENS = 256;
    /** Tokens and strips of a tile; one token's has half as many strips. */
    private static final int TILE = 4;
    /** Strips of a group. */
    private static final int PARTS = ROWS / Math.min(L, ROWS);
    private static final long LINE = WeightFormat.VECTOR;
    // Where things are in a workspace's tile, in bytes.
    private static final long NUMBERS = 0;
    private static final long GROUP_NUMBERS = CHUNK * BLOCK * LINE;
    private static final long SCALES = NUMBERS + GROUPS * GROUP_NUMBERS;
    private static final long STRIP_SCALES = (long) CHUNK * V;
    /** Sums of a token: a float for each row of a panel. */
    private static final long ACC_BYTES = (long) PANEL * Float.BYTES;
    private static final long ZEROS = SCALES + GROUPS * PARTS * STRIP_SCALES;
    /** A block whose codes were looked up. */
    private static final long CODES = ZEROS + GROUPS * PARTS * STRIP_SCALES;
    private static final long SUMS = CODES + BLOCK / 4 * LINE;
    private static final long ACC = SUMS + TILE * ACC_BYTES;
    private static final float[] NONE = {};

    /** Up to how many tokens are faster one by one: there are too few to make up for panels. Measured. */
    private final int few;
    private final Numbers floats;

    /** Products of weights that are floats, in any number of bits. */
    VectorFloatProducts(Numbers floats) {
        this.floats = floats;
        few = floats == Floats.F32 ? 1 : 3;
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public TokenFormat tokens() {
        return TokenFormat.FLOATS;
    }

    @Override
    public void pack(PackedMatrix matrix, Weights stored, long first, int from, int to) {
        matrix.pack(stored, first, from, to);
    }

    @Override
    public void arrange(Rows x, int row, BlockRows to, int first, int t, int count, Workspace ws) {
        to.copy(x, row, first, t, count);
    }

    @Override
    public void linear(PackedMatrix w, int from, int to, BlockRows all, int first, int tokens, Target out, int outRow, Workspace ws) {
        BlockRows x = all.from(first);
        if (tokens > few) {
            panels(w, from, to, x, tokens, out, outRow, ws);
            return;
        }
        int step = tokens == 1 ? to - from : VectorProducts.FEW_ROWS;
        for (int r = from; r < to; r += step) {
            for (int t = 0; t < tokens; t++) {
                single(w, r, Math.min(to, r + step), x, t, tokens, out, outRow, ws);
            }
        }
    }

    /** Panel by panel; of floats, or of bytes by {@link TokenFormat#NUMBERS}. */
    static void panels(PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out, int outRow, Workspace ws) {
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            for (int t = 0; t < tokens; t += TOKENS) {
                int count = Math.min(TOKENS, tokens - t);
                ws.tile.asSlice(SUMS, (TILE + count) * ACC_BYTES).fill((byte) 0);
                panel(w, r, rows, x, t, count, tokens, ws.tile);
                for (int i = 0; i < count; i++) {
                    VectorTiles.put(out, w, r, rows, outRow + t + i, ws.tile, ACC + i * ACC_BYTES);
                }
            }
        }
    }

    private static int strips(int rows) {
        return Math.ceilDiv(rows, ROWS) * PARTS;
    }

    /** One of so many tokens, straight from memory. */
    private void single(PackedMatrix w, int from, int to, BlockRows x, int token, int tokens, Target out, int outRow, Workspace ws) {
        long x0 = column(x, token, tokens, 0);
        long stride = stride(x, token, tokens);
        float[] lifted = floats == Floats.F16 ? lifted(x, x0, stride, w.blocks(), ws) : NONE;
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            ws.tile.asSlice(ACC, ACC_BYTES).fill((byte) 0);
            single(w, r, strips(rows), x, x0, stride, lifted, ws.tile);
            VectorTiles.put(out, w, r, rows, outRow + token, ws.tile, ACC);
        }
    }

    private void single(PackedMatrix w, int row, int strips, BlockRows x, long x0, long stride, float[] lifted, MemorySegment m) {
        long bytes = V * (floats == Floats.F16 ? 1L : 2L) / 2;
        for (int s = 0; s < strips; s += 2) {
            int second = Math.min(s + 1, strips - 1);
            long w0 = w.unit(row / ROWS + s / PARTS, 0) + s % PARTS * bytes;
            long w1 = w.unit(row / ROWS + second / PARTS, 0) + second % PARTS * bytes;
            long acc = ACC + (long) s * V;
            switch (floats) {
                case Floats.F16 -> {
                    if (lifted.length == 0 || !VectorFloats.lifted1(w.data(), w0, w1, lifted, w.blocks() * BLOCK, m, acc)) {
                        m.asSlice(acc, 2L * V).fill((byte) 0);
                        VectorFloats.halves1(w.data(), w0, w1, x.data(), x0, stride, w.blocks(), m, acc);
                    }
                }
                case Floats.BF16 -> VectorFloats.brains1(w.data(), w0, w1, x.data(), x0, stride, w.blocks(), m, acc);
                case Floats.F32 -> VectorFloats.add1(w.data(), w0, w1, x.data(), x0, stride, w.blocks(), m, acc);
                case EightBits _ -> VectorEights.add1(w.data(), w.unit(row / ROWS + s / PARTS, 0), (long) s % PARTS * V,
                        w.unit(row / ROWS + second / PARTS, 0), (long) second % PARTS * V, x.data(), x0, stride, w.blocks(), m, acc);
                case Integers _ -> throw new IllegalStateException(w.format() + " is of integers");
            }
        }
    }

    /** A token's columns as products of half precision take them; none if they are too large for it. */
    private static float[] lifted(BlockRows x, long x0, long stride, int blocks, Workspace ws) {
        float[] to = ws.head(blocks * BLOCK);
        for (int b = 0; b < blocks; b++) {
            MemorySegment.copy(x.data(), Rows.FLOAT, x0 + b * stride, to, b * BLOCK, BLOCK);
        }
        return VectorFloats.lift(to, blocks * BLOCK) ? to : NONE;
    }

    private static void panel(PackedMatrix w, int row, int rows, BlockRows x, int token, int tokens, int all, MemorySegment m) {
        boolean stored = w.format().numbers() == Floats.F32;
        int strips = strips(rows);
        for (int b = 0; b < w.blocks(); b += CHUNK) {
            int blocks = Math.min(CHUNK, w.blocks() - b);
            for (int g = 0; g < strips / PARTS && !stored; g++) {
                unpack(w, w.unit(row / ROWS + g, b), b % w.format().unitBlocks(), blocks, g, m);
            }
            MemorySegment numbers = stored ? w.data() : m;
            long first = stored ? w.unit(row / ROWS, b) : NUMBERS;
            long group = stored ? w.groupBytes() : GROUP_NUMBERS;
            for (int t = 0; t < tokens;) {
                int width = tokens - t >= TILE ? TILE : 1;
                for (int s = 0; s < strips; s += width == TILE ? TILE : 2) {
                    long w0 = first + place(s, strips, group);
                    long w1 = first + place(s + 1, strips, group);
                    long acc = ACC + t * ACC_BYTES + (long) s * V;
                    if (width == 1) {
                        one(numbers, w0, w1, SCALES + s * STRIP_SCALES, x, token + t, all, b, blocks, m, acc);
                    } else {
                        four(numbers, w0, w1, first + place(s + 2, strips, group), first + place(s + 3, strips, group), SCALES + s * STRIP_SCALES, x,
                                token + t, all, b, blocks, m, acc);
                    }
                }
                t += width;
            }
        }
    }

    /** Where a strip of a panel is; the last one stands in for those behind it. */
    private static long place(int strip, int strips, long group) {
        int s = Math.min(strip, strips - 1);
        return s / PARTS * group + (long) (s % PARTS) * V;
    }

    private static void one(MemorySegment w, long w0, long w1, long scales, BlockRows x, int token, int tokens, int block, int blocks,
            MemorySegment m,
                            long acc) {
        if (x.format() == TokenFormat.FLOATS) {
            VectorFloats.add1(w, w0, w1, x.data(), column(x, token, tokens, block), stride(x, token, tokens), blocks, m, acc);
            return;
        }
        for (int b = 0; b < blocks; b++) {
            long at = b * BLOCK * LINE;
            VectorFloats.add1(w, w0 + at, w1 + at, x.data(), number(x, token, block + b), 0, 1, m, SUMS);
            VectorFloats.scaled(m, SUMS, acc, ACC_BYTES, 2, scales + (long) b * V, STRIP_SCALES, x.data(), scale(x, token, block + b), 0, 1);
        }
    }

    private static void four(MemorySegment w, long w0, long w1, long w2, long w3, long scales, BlockRows x, int token, int tokens, int block,
                             int blocks, MemorySegment m, long acc) {
        if (x.format() == TokenFormat.FLOATS) {
            VectorFloats.add4(w, w0, w1, w2, w3, x.data(), column(x, token, tokens, block), x.format().blockBytes(), stride(x, token, tokens), blocks,
                    m, acc, ACC_BYTES);
            return;
        }
        long stride = x.format().bytes(1, x.cols());
        for (int b = 0; b < blocks; b++) {
            long at = b * BLOCK * LINE;
            VectorFloats.add4(w, w0 + at, w1 + at, w2 + at, w3 + at, x.data(), number(x, token, block + b), stride, 0, 1, m, SUMS, ACC_BYTES);
            VectorFloats.scaled(m, SUMS, acc, ACC_BYTES, TILE, scales + (long) b * V, STRIP_SCALES, x.data(), scale(x, token, block + b), stride,
                    TILE);
        }
    }

    private static int first(int token) {
        return token / BlockRows.GROUP * BlockRows.GROUP;
    }

    /** From block to block of a group of tokens. */
    private static long stride(BlockRows x, int token, int tokens) {
        return (long) BlockRows.size(first(token), tokens) * x.format().blockBytes();
    }

    /** Where a block of a token of floats is, of so many tokens. */
    private static long column(BlockRows x, int token, int tokens, int block) {
        return x.at(first(token)) + block * stride(x, token, tokens) + (long) (token - first(token)) * x.format().blockBytes();
    }

    private static long number(BlockRows x, int token, int block) {
        return x.at(token) + (long) block * BLOCK * Float.BYTES;
    }

    private static long scale(BlockRows x, int token, int block) {
        return x.at(token) + (long) x.cols() * Float.BYTES + (long) block * Float.BYTES;
    }

    /** Blocks of a group, from that one of a unit on. */
    private static void unpack(PackedMatrix w, long unit, int from, int blocks, int group, MemorySegment m) {
        long to = NUMBERS + group * GROUP_NUMBERS;
        switch (w.format().numbers()) {
            case Floats.F16 -> VectorFloats.fromHalves(w.data(), unit, blocks * BLOCK * ROWS, m, to);
            case Floats.BF16 -> VectorFloats.fromBrains(w.data(), unit, blocks * BLOCK / 2, m, to);
            case Floats.F32 -> throw new IllegalArgumentException("floats are used where they are");
            case EightBits _ -> VectorEights.unpack(w.data(), unit, m, to);
            case Integers n -> unpack(w, n, unit, from, blocks, group, m);
        }
    }

    private static void unpack(PackedMatrix w, Integers numbers, long unit, int from, int blocks, int group, MemorySegment m) {
        WeightFormat format = w.format();
        for (int b = 0; b < blocks; b++) {
            long block = unit + format.blockAt(from + b);
            long to = NUMBERS + group * GROUP_NUMBERS + b * BLOCK * LINE;
            if (numbers.planes().coded()) {
                VectorCodes.lookUp(numbers.planes().book(), w.data(), block, WeightFormat.VECTOR, m, CODES);
                VectorFloats.fromBytes(m, CODES, BLOCK / 4, m, to);
            } else {
                VectorFloats.fromBytes(w.data(), block, BLOCK / 4, m, to);
            }
        }
        for (int part = 0; part < PARTS; part++) {
            long strip = (group * PARTS + part) * STRIP_SCALES;
            VectorScales.unpack(format, numbers.scales(), w.data(), unit, from, part, blocks, m, SCALES + strip, ZEROS + strip);
            for (int b = 0; b < blocks && numbers.scales().zeros(); b++) {
                VectorFloats.lower(m, NUMBERS + group * GROUP_NUMBERS + b * BLOCK * LINE + (long) part * V, BLOCK, ZEROS + strip + (long) b * V);
            }
        }
    }
}
