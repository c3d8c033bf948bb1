package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.PAIRS;
import static io.jllm.cpu.vector.VectorUnpack.V;

import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Numbers.EightBits;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Products of weights, rearranged at load, by the Vector API, in the width that the processor prefers. Panels of 32 rows and 256 columns
 * at a time become integers of 16 bits, which stay in the first cache while tokens pass by; {@link VectorFloatProducts} do the like with
 * floats. Products of few tokens are computed one token at a time, from what is in memory.
 */
public final class VectorProducts implements PackedProducts {
    private static final int ROWS = PackedMatrix.ROWS;
    /** Rows of a panel, two groups. */
    private static final int PANEL = 2 * ROWS;
    /** Blocks of a panel: whole units of every format. */
    private static final int CHUNK = 8;
    /** Blocks that are computed by one call: the JVM counts calls and blocks, and should soon find that they are worth compiling. */
    private static final int SPAN = 16;
    /** Tokens that pass by a panel before it makes room for the next. */
    private static final int TOKENS = 128;
    /** Rows that stay in the second cache while few tokens pass by. */
    static final int FEW_ROWS = 128;
    /** Strips of a group. */
    private static final int PARTS = ROWS / Math.min(L, ROWS);
    // Where things are in a workspace's tile, in bytes.
    private static final long INTEGERS = 0;
    private static final long STRIP_INTEGERS = (long) CHUNK * PAIRS * V;
    private static final long SCALES = INTEGERS + 2 * PARTS * STRIP_INTEGERS;
    private static final long STRIP_SCALES = 2L * CHUNK * V;
    private static final long MINIMA = SCALES + 2 * PARTS * STRIP_SCALES;
    private static final long STRIP_MINIMA = 2L * CHUNK * V;
    private static final long SUMS = MINIMA + 2 * PARTS * STRIP_MINIMA;
    /** Blocks of a strip whose codes were looked up. */
    private static final long CODES = SUMS + 2L * CHUNK * 2 * VectorTiles.TOKENS * V;
    private static final long ACC = CODES + (long) CHUNK * TokenFormat.BLOCK * L;
    /** Sums of a token: a float for each row of a panel. */
    private static final long ACC_BYTES = (long) PANEL * Float.BYTES;

    private final Single single;
    private final Planes planes;
    private final Scales scales;
    private final boolean fits;

    private VectorProducts(Integers numbers) {
        single = Single.of(numbers);
        planes = numbers.planes();
        scales = numbers.scales();
        fits = VectorUnpack.fits(numbers);
    }

    /** Products of a format; empty if there are no loops for what its numbers are, or if vectors are longer than a group. */
    static Optional<PackedProducts> of(WeightFormat format) {
        if (L > ROWS) {
            return Optional.empty();
        }
        return switch (format.numbers()) {
            case Integers n -> VectorUnpack.covers(n) ? Optional.of(new VectorProducts(n)) : Optional.empty();
            case Floats _, EightBits _ -> Optional.of(new VectorFloatProducts(format.numbers()));
        };
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public TokenFormat tokens() {
        return fits ? TokenFormat.PAIRS : TokenFormat.NUMBERS;
    }

    @Override
    public void pack(PackedMatrix matrix, Weights stored, long first, int from, int to) {
        matrix.pack(stored, first, from, to);
    }

    @Override
    public void arrange(Rows x, int row, BlockRows to, int first, int t, int count, Workspace ws) {
        int blocks = to.cols() / TokenFormat.BLOCK;
        switch (to.format()) {
            case NUMBERS -> VectorTokens.numbers(x.data(), x.row(row), blocks, to.data(), to.at(first + t));
            case PAIRS -> VectorTokens.pairs(x.data(), x.row(row), blocks, to.data(), to.at(first + t), ws.tile);
            case BYTES, FLOATS -> throw new IllegalArgumentException("vectors take integers by no " + to.format());
        }
    }

    @Override
    public void linear(PackedMatrix w, int from, int to, BlockRows all, int first, int tokens, Target out, int outRow, Workspace ws) {
        BlockRows x = all.from(first);
        if (tokens <= single.few()) {
            int step = tokens == 1 ? to - from : FEW_ROWS;
            for (int r = from; r < to; r += step) {
                for (int t = 0; t < tokens; t++) {
                    single(w, r, Math.min(to, r + step), x, t, out, outRow, ws);
                }
            }
            return;
        }
        if (x.format() != TokenFormat.PAIRS) {
            VectorFloatProducts.panels(w, from, to, x, tokens, out, outRow, ws);
            return;
        }
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            for (int t = 0; t < tokens; t += TOKENS) {
                int count = Math.min(TOKENS, tokens - t);
                panel(w, r, rows, x, t, count, ws.tile);
                for (int i = 0; i < count; i++) {
                    VectorTiles.put(out, w, r, rows, outRow + t + i, ws.tile, ACC + i * ACC_BYTES);
                }
            }
        }
    }

    private void single(PackedMatrix w, int from, int to, BlockRows x, int token, Target out, int outRow, Workspace ws) {
        long at = x.at(token);
        int blocks = w.blocks();
        boolean pairs = x.format() == TokenFormat.PAIRS;
        int[] numbers = ws.pairs(pairs ? blocks * PAIRS : w.cols() + VectorTokens.SLACK);
        int[] starts = ws.starts(pairs ? 2 * blocks : w.cols() + VectorTokens.SLACK);
        float[] factors = ws.blockScales(blocks);
        long fields = pairs ? VectorTokens.scales(at, blocks) : at + (long) w.cols() * Float.BYTES;
        MemorySegment.copy(x.data(), Rows.FLOAT, fields, factors, 0, blocks);
        if (pairs) {
            if (planes.extraBits() == 0) {
                VectorTokens.nibbles(x.data(), at, blocks, numbers);
                MemorySegment.copy(x.data(), Layout.INT, VectorTokens.sums(at, blocks), starts, 0, blocks);
            } else {
                VectorTokens.bytes(x.data(), at, blocks, numbers);
                MemorySegment.copy(x.data(), Layout.INT, VectorTokens.halves(at, blocks), starts, 0, 2 * blocks);
            }
        } else {
            VectorTokens.fours(x.data(), at, w.cols(), numbers, starts);
        }
        for (int r = from; r < to; r += PANEL) {
            int rows = Math.min(PANEL, to - r);
            for (int s = 0; s < strips(rows); s++) {
                int group = r / ROWS + s / PARTS;
                long acc = ACC + (long) s * V;
                switch (single) {
                    case NIBBLES -> {
                        ws.tile.asSlice(acc, V).fill((byte) 0);
                        for (int b = 0; b < blocks; b += SPAN) {
                            VectorRow.q4(w.data(), w.unit(group, 0), s % PARTS, numbers, starts, factors, b, Math.min(SPAN, blocks - b),
                                    ws.tile, acc);
                        }
                    }
                    case BYTES -> VectorRow.q8(w.data(), w.unit(group, 0), s % PARTS, numbers, starts, factors, blocks, ws.tile, acc);
                    default -> units(w, group, s % PARTS, x, at, numbers, starts, ws.tile, acc);
                }
            }
            VectorTiles.put(out, w, r, rows, outRow + token, ws.tile, ACC);
        }
    }

    /** A strip by a single token: scales of some blocks, sums of integers, then sums of floats. */
    private void units(PackedMatrix w, int group, int part, BlockRows x, long token, int[] numbers, int[] starts, MemorySegment m, long acc) {
        int all = w.blocks();
        m.asSlice(acc, V).fill((byte) 0);
        WeightFormat format = w.format();
        int shift = Integer.numberOfTrailingZeros(format.unitBlocks());
        for (int b = 0; b < all; b += CHUNK) {
            int blocks = Math.min(CHUNK, all - b);
            long unit = w.unit(group, b);
            long at = unit + format.headerBytes() + (long) part * V;
            VectorScales.unpack(format, scales, w.data(), unit, 0, part, blocks, m, SCALES, MINIMA);
            switch (single) {
                case FOUR_BITS -> VectorSums.q4(w.data(), at, shift, format.headerBytes(), numbers, starts, b, blocks, m, SUMS);
                case FIVE_BITS -> VectorSums.q5(w.data(), at, shift, format.headerBytes(), numbers, starts, b, blocks, m, SUMS);
                case SIX_BITS -> VectorSums.q6(w.data(), at, numbers, starts, b, blocks, m, SUMS);
                case TWO_BITS -> VectorSums.q2(w.data(), at, numbers, b, blocks, m, SUMS);
                case THREE_BITS -> VectorSums.q3(w.data(), at, numbers, starts, b, blocks, m, SUMS);
                case CODES -> {
                    for (int k = 0; k < blocks; k++) {
                        VectorCodes.lookUp(planes.book(), w.data(), unit + format.blockAt(k) + (long) part * V, V, m,
                                CODES + (long) k * TokenFormat.BLOCK * L);
                    }
                    VectorCodes.sums(m, CODES, numbers, starts, b, blocks, SUMS);
                }
                case NIBBLES, BYTES, NONE -> throw new IllegalStateException(single + " has a loop of its own, or none");
            }
            strip(SUMS, V, SCALES, MINIMA, x, token, b, blocks, m, acc);
        }
    }

    /**
     * Adds sums of integers of some blocks of a strip to a token's sums of floats.
     *
     * @param token where the token starts
     * @param block the first block
     */
    private void strip(long sums, long step, long d, long minima, BlockRows x, long token, int block, int blocks, MemorySegment m, long acc) {
        int all = x.cols() / TokenFormat.BLOCK;
        if (!fits) {
            VectorTiles.whole(m, sums, step, d, x.data(), token + ((long) x.cols() + block) * Float.BYTES, blocks, acc);
            return;
        }
        long fields = VectorTokens.scales(token, all) + (long) block * Float.BYTES;
        switch (scales) {
            case HALVES, BLOCK_BYTES, POWERS -> VectorTiles.wide(m, sums, step, d, x.data(), fields, blocks, acc);
            case BYTES, SMALL_FLOATS -> VectorTiles.halves(m, sums, step, d, x.data(), fields, blocks, acc);
            case SIX_BITS, HALVES_AND_MINIMA -> VectorTiles.minima(m, sums, step, d, minima, raised(), x.data(), fields, (long) all * Float.BYTES,
                    blocks, acc);
            case ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> VectorTiles.zeros(m, sums, step, d, minima, raised(), x.data(), fields,
                    (long) all * Float.BYTES, blocks, acc);
            case FLOATS -> throw new IllegalStateException(scales + " go with bytes and tables");
            case FOUR_BITS -> VectorTiles.halfMinima(m, sums, step, d, minima, x.data(), fields, VectorTokens.halves(token, all) + 8L * block, blocks,
                    acc);
        }
    }

    private static int strips(int rows) {
        return Math.ceilDiv(rows, ROWS) * PARTS;
    }

    private void panel(PackedMatrix w, int row, int rows, BlockRows x, int token, int tokens, MemorySegment m) {
        int strips = strips(rows);
        m.asSlice(ACC, tokens * ACC_BYTES).fill((byte) 0);
        for (int b = 0; b < w.blocks(); b += CHUNK) {
            int blocks = Math.min(CHUNK, w.blocks() - b);
            for (int s = 0; s < strips; s++) {
                VectorUnpack.unpack(w.format(), planes, scales, w.data(), w.unit(row / ROWS + s / PARTS, b), s % PARTS, blocks, m,
                        INTEGERS + s * STRIP_INTEGERS, SCALES + s * STRIP_SCALES, MINIMA + s * STRIP_MINIMA);
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
    private void tile(PackedMatrix w, int first, int second, int blocks, BlockRows x, int token, int block, int tokens, MemorySegment m,
                             long acc) {
        long stride = x.format().bytes(1, x.cols());
        long x0 = x.at(token) + (long) block * VectorTokens.PAIRS;
        long fields = VectorTokens.scales(x.at(token), w.blocks()) + (long) block * Float.BYTES;
        boolean narrow = planes.extraBits() == 0; // both sums of a row together fit 16 bits
        if (scales == Scales.HALVES && narrow && tokens == VectorTiles.TOKENS) {
            VectorTile.scaled4(m, INTEGERS + first * STRIP_INTEGERS, INTEGERS + second * STRIP_INTEGERS, SCALES + first * STRIP_SCALES,
                    SCALES + second * STRIP_SCALES, x.data(), x0, fields, stride, blocks, acc, ACC_BYTES);
            return;
        }
        int halves = scales.each();
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
            long at = acc + t * ACC_BYTES;
            long d0 = SCALES + first * STRIP_SCALES;
            long d1 = SCALES + second * STRIP_SCALES;
            if (scales == Scales.HALVES && narrow) {
                VectorTiles.scaled(m, from, step, d0, d1, x.data(), fields + t * stride, blocks, at);
            } else {
                strip(from, step, d0, MINIMA + first * STRIP_MINIMA, x, x.at(token + t), block, blocks, m, at);
                strip(from + V, step, d1, MINIMA + second * STRIP_MINIMA, x, x.at(token + t), block, blocks, m, at + V);
            }
        }
    }

    /** By how much integers were lowered below what they stand for, in eighths. */
    private int raised() {
        return (VectorUnpack.lowered(planes) - planes.offset()) / TokenFormat.SUM_FACTOR;
    }
}
