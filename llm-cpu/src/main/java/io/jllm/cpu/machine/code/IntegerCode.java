package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;
import static io.jllm.cpu.machine.code.BlockCode.TOKENS;

import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Operand;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights that are integers with scales, by tokens of 8 bits. For each block, or for each half if these have scales of their own, the
 * integer sum is exact. Sums become floats, and zeros, if there are any, are taken off, which is exact too: s = fma(zero, - sum of the token's
 * bytes, s). Then t = s * scale, then, for a second half, t = fma(sum, scale, t), then, for each minimum,
 * t = fma(minimum, - sum of the token's bytes, t); at last acc = fma(t, d of the token, acc). So it is with every instruction set and
 * every number of tokens, to the last bit.
 *
 * <p>AVX-512 VNNI multiplies unsigned bytes of weights by signed ones of tokens and adds them up in 32 bits; what is too much in the
 * unsigned ones is taken off beforehand, as a multiple of the sum of the token's bytes. AVX2 adds up in 16 bits: of nibbles, four pairs
 * (at most 4 * 2 * 31 * 127), of 6 bits two (2 * 2 * 63 * 127); of bytes, stored or from a table, one, with the signs moved to the token
 * (2 * 128 * 127).
 *
 * <p>A block, for each half of it and each token t of up to 8 (AVX-512), or 4 (AVX2):
 *
 * <pre>{@code
 * wide:    v0..v3 = four columns each of 16 rows         // PlaneCode
 *          sum[t] = offset * -sum of the token's bytes    // once, or once a half with scales of its own
 *          vpdpbusd sum[t], v0..v3, token[t].columns {1to16}
 *          factor = scales of 16 rows                     // ScaleCode
 *          sum[t] = float(sum[t]) * factor                // or, a second half: fma
 *          acc[t] = fma(sum[t], d of the token, acc[t])
 *
 * narrow:  vpbroadcastd x, token[t].columns
 *          vpmaddubsw x, v0..v3, x                        // pairs in 16 bits; as many as fit are added
 *          vpmaddwd x, x, 1                               // pairs of pairs in 32 bits
 *          vpaddd sum[t], sum[t], x
 * }</pre>
 */
final class IntegerCode implements BlockCode {
    private static final int HALVES = 2;
    private static final int VECTORS = 4;
    private static final int PAIRS = 0x00010001;
    private static final int SIGNS = 0x80808080;

    private final Emitter e;
    private final Assembler a;
    private final WeightFormat format;
    private final int tokens;
    private final Planes planes;
    private final Scales scales;
    private final PlaneCode planeCode;
    private final ScaleCode scaleCode;

    IntegerCode(Emitter e, WeightFormat format, Numbers.Integers numbers, int tokens) {
        this.e = e;
        this.format = format;
        this.tokens = tokens;
        a = e.assembler();
        planes = numbers.planes();
        scales = numbers.scales();
        planeCode = new PlaneCode(planes);
        scaleCode = new ScaleCode(scales, planes.book().part(), true);
    }

    @Override
    public List<Integer> constants() {
        var all = new ArrayList<>(planeCode.constants());
        scaleCode.constants().stream().filter(c -> !all.contains(c)).forEach(all::add);
        if (!e.wide()) {
            all.add(PAIRS);
            if (planes.bytes()) {
                all.add(SIGNS);
            }
        }
        return all;
    }

    @Override
    public byte[] table() {
        return planeCode.table(signed());
    }

    /** Whether bytes must be multiplied as signed ones, for two products of unsigned ones do not fit 16 bits. */
    private boolean signed() {
        return planes.eightBits() && !e.wide();
    }

    @Override
    public int groups() {
        return 1;
    }

    @Override
    public List<Pass> passes(int groups) {
        if (tokens * e.isa().parts() <= e.isa().tokens()) {
            return List.of(new Pass(groups, 0, e.isa().parts(), 0, tokens));
        }
        var passes = new ArrayList<Pass>();
        for (int t = 0; t < tokens; t += e.isa().tokens()) {
            for (int h = 0; h < e.isa().parts(); h++) {
                passes.add(new Pass(groups, h, 1, t, Math.min(e.isa().tokens(), tokens - t)));
            }
        }
        return passes;
    }

    @Override
    public void blocks(Pass p, int from, int to) {
        if (from == 0) {
            prefetch(p, 0, format.headerBytes());
            for (int h = 0; h < p.parts(); h++) {
                scaleCode.prepare(e, e.isa().tokens(), part(p, h));
            }
        }
        for (int b = from; b < to; b++) {
            int at = format.headerBytes() + b * format.blockBytes();
            prefetch(p, at, format.blockBytes());
            for (int h = 0; h < p.parts(); h++) {
                if (e.wide()) {
                    wide(p, b, at);
                } else {
                    narrow(p, h, b, at);
                }
            }
        }
    }

    /** The first pass asks for what comes later. */
    private void prefetch(Pass p, int at, int bytes) {
        for (int i = 0; i < bytes && p.token() == 0 && p.part() == 0; i += WeightFormat.VECTOR) {
            a.prefetcht0(BlockCode.weights(0, ProductCode.AHEAD + at + i));
        }
    }

    private int part(Pass p, int h) {
        return (p.part() + h) * e.isa().bytes();
    }

    /** Field {@code at} of a token's block, {@code more} bytes on; fields are as wide as {@code bytes}. */
    private Mem token(Pass p, int t, int block, int at, int bytes, int more) {
        int token = p.token() + t;
        return at(TOKENS, (format.tokens().blockBytes() * block + at) * tokens + bytes * token + more);
    }

    private Mem quants(Pass p, int t, int block, int half, int k) {
        return token(p, t, block, 0, TokenFormat.BLOCK, planes.column(half, k) * Integer.BYTES);
    }

    /** Starts a sum with what takes off the weights' offset. */
    private void start(int register, Pass p, int t, int block, int half) {
        if (planes.offset() == 0 || signed()) {
            e.zero(register);
        } else {
            int field = scales.each() == 1 ? TokenFormat.SUM : TokenFormat.HALF_SUMS + half * Integer.BYTES;
            int power = Integer.numberOfTrailingZeros(planes.offset()) - Integer.numberOfTrailingZeros(TokenFormat.SUM_FACTOR);
            e.broadcast(register, token(p, t, block, field, Integer.BYTES, 0), power);
        }
    }

    /** What a minimum is multiplied by, in all lanes; eight times as much, if halves have minima of their own. */
    private Operand minusSum(Pass p, int t, int block, int half, int register) {
        if (scales.each() == 1) {
            return e.each(token(p, t, block, TokenFormat.FLOAT_SUM, Float.BYTES, 0), register);
        }
        e.broadcastFloat(register, token(p, t, block, TokenFormat.HALF_SUMS + half * Integer.BYTES, Integer.BYTES, 0));
        return e.vec(register);
    }

    /** Adds the products to the running sums: {@code sum} + t, for each token. */
    private void finish(Pass p, int h, int block, int sum, int minimum, int spare) {
        for (int half = 0; half < scales.each() && scales.minima(); half++) {
            scaleCode.minimum(e, minimum, block, half, part(p, h));
            for (int t = 0; t < p.tokens(); t++) {
                e.multiplyAdd(sum + t, minimum, minusSum(p, t, block, half, spare));
            }
        }
        for (int t = 0; t < p.tokens(); t++) {
            e.multiplyAdd(p.sum(0, h, t), sum + t, e.each(token(p, t, block, TokenFormat.SCALE, Float.BYTES, 0), spare));
        }
    }

    // Vectors, wide: running sums 0 to 7, sums 8 to 15, those of the second half 16 to 23, weights 24 to 27, two to work with; what is left
    // holds constants, which are two where halves have scales of their own

    private void wide(Pass p, int block, int at) {
        int sums = 8;
        int vectors = 24;
        int work = 28;
        for (int half = 0; half < HALVES; half++) {
            planeCode.unpack(e, vectors, half, at, 0, work);
            boolean own = scales.each() == HALVES;
            int sum = own ? sums + half * sums : sums;
            for (int t = 0; t < p.tokens() && (half == 0 || own); t++) {
                start(sum + t, p, t, block, half);
            }
            for (int k = 0; k < VECTORS; k++) {
                for (int t = 0; t < p.tokens(); t++) {
                    a.emit(VPDPBUSD, e.vec(sum + t), e.vec(vectors + k), quants(p, t, block, half, k).each());
                }
            }
            if (own || half == 1) {
                if (scales.zeros()) {
                    scaleCode.zero(e, work + 1, block, 0);
                }
                scaleCode.factor(e, work, block, own ? half : 0, 0);
                for (int t = 0; t < p.tokens(); t++) {
                    e.toFloats(sum + t);
                    if (scales.zeros()) {
                        e.multiplyAdd(sum + t, work + 1, e.each(token(p, t, block, TokenFormat.FLOAT_SUM, Float.BYTES, 0), work + 1));
                    }
                    if (sum == sums) {
                        e.multiply(sum + t, sum + t, e.vec(work));
                    } else {
                        e.multiplyAdd(sums + t, sum + t, e.vec(work));
                    }
                }
            }
        }
        finish(p, 0, block, sums, work, work + 1);
    }

    // Vectors, narrow: running sums 0 to 3, sums 4 to 7, weights 8 to 11, a factor, the sum of a half, two to work with

    private void narrow(Pass p, int h, int block, int at) {
        int sums = 4;
        int vectors = 8;
        int factor = 12;
        int work = 14;
        for (int half = 0; half < HALVES; half++) {
            boolean own = scales.each() == HALVES;
            if (!planes.bytes()) {
                planeCode.unpack(e, vectors, half, at, part(p, h), work);
            }
            if (own) {
                scaleCode.factor(e, factor, block, half, part(p, h));
            }
            for (int t = 0; t < p.tokens(); t++) {
                int sum = own ? factor + 1 : sums + t;
                if (half == 0 || own) {
                    start(sum, p, t, block, half);
                }
                if (!signed()) {
                    chains(p, t, block, half, sum, vectors, work);
                }
                if (own) {
                    e.toFloats(sum);
                    if (half == 0) {
                        e.multiply(sums + t, sum, e.vec(factor));
                    } else {
                        e.multiplyAdd(sums + t, sum, e.vec(factor));
                    }
                }
            }
            if (signed()) {
                signed(p, h, block, at, half, sums, vectors, factor, work);
            }
        }
        if (scales.each() == 1) {
            if (scales.zeros()) {
                scaleCode.zero(e, work, block, part(p, h));
            }
            scaleCode.factor(e, factor, block, 0, part(p, h));
            for (int t = 0; t < p.tokens(); t++) {
                e.toFloats(sums + t);
                if (scales.zeros()) {
                    e.multiplyAdd(sums + t, work, e.each(token(p, t, block, TokenFormat.FLOAT_SUM, Float.BYTES, 0), work + 1));
                }
                e.multiply(sums + t, sums + t, e.vec(factor));
            }
        }
        finish(p, h, block, sums, vectors, work);
    }

    /** Products of a half by a token: as many as fit into 16 bits, then those into 32. */
    private void chains(Pass p, int t, int block, int half, int sum, int vectors, int work) {
        for (int k = 0; k < VECTORS; k++) {
            boolean first = k % planeCode.chain() == 0;
            int to = first ? work : work + 1;
            e.broadcast(work + 1, quants(p, t, block, half, k), 0);
            a.emit(VPMADDUBSW, e.vec(to), e.vec(vectors + k), e.vec(work + 1));
            if (!first) {
                a.emit(VPADDW, e.vec(work), e.vec(work), e.vec(work + 1));
            }
            if ((k + 1) % planeCode.chain() == 0) {
                addPairs(sum, work);
            }
        }
    }

    private void addPairs(int sum, int pairs) {
        a.emit(VPMADDWD, e.vec(pairs), e.vec(pairs), e.constant(PAIRS));
        a.emit(VPADDD, e.vec(sum), e.vec(sum), e.vec(pairs));
    }

    /** Products of a half of whole bytes by all tokens: magnitudes of weights by tokens with the weights' signs. */
    private void signed(Pass p, int h, int block, int at, int half, int sums, int vectors, int magnitude, int work) {
        for (int k = 0; k < VECTORS; k++) {
            int vector = vectors + k;
            if (planes.bytes()) {
                planeCode.load(e, vector, half, k, at, part(p, h));
                a.emit(VPXOR, e.vec(vector), e.vec(vector), e.constant(SIGNS));
            }
            a.emit(VPABSB, e.vec(magnitude), e.vec(vector));
            for (int t = 0; t < p.tokens(); t++) {
                e.broadcast(work, quants(p, t, block, half, k), 0);
                a.emit(VPSIGNB, e.vec(work), e.vec(work), e.vec(vector));
                a.emit(VPMADDUBSW, e.vec(work), e.vec(magnitude), e.vec(work));
                addPairs(sums + t, work);
            }
        }
    }
}
