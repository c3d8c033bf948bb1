package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.R10;
import static io.jllm.cpu.machine.asm.Gpr.R11;
import static io.jllm.cpu.machine.asm.Gpr.R8;
import static io.jllm.cpu.machine.asm.Gpr.R9;
import static io.jllm.cpu.machine.asm.Gpr.RAX;
import static io.jllm.cpu.machine.asm.Gpr.RCX;
import static io.jllm.cpu.machine.asm.Gpr.RDI;
import static io.jllm.cpu.machine.asm.Gpr.RDX;
import static io.jllm.cpu.machine.asm.Gpr.RSI;
import static io.jllm.cpu.machine.asm.Gpr.RSP;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;
import static io.jllm.cpu.machine.asm.Vec.xmm;
import static io.jllm.cpu.machine.asm.Vec.ymm;

import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;

/**
 * Floats to 8 bits, in blocks of 32 with a scale: d = max |x| / 127, q = x * (127 / max |x|) rounded to the nearest, ties to
 * even. Numbers that are not finite make d so too, and with it every product.
 *
 * <pre>{@code
 * block:  x = 32 floats
 *         largest = max of x & 0x7fffffff           // as integers
 *         [fields] = largest / 127
 *         x = vcvtps2dq(x * (127 / largest))
 *         sums of halves and of all, times -8, to fields
 *         low bytes of x to quants                   // vpmovdb, or two packs
 *         in += 128; quants, fields += stride
 *         jump to block while there are more
 * }</pre>
 */
public final class QuantizeCode {
    private static final float LIMIT = 127;
    private static final int MAGNITUDE = 0x7fffffff;
    private static final int BYTE = 0xff;
    private static final int HALF_BYTES = TokenFormat.BLOCK / 2;
    private static final int SUM_BITS = Integer.numberOfTrailingZeros(TokenFormat.SUM_FACTOR);
    private static final Gpr IN = RDI;
    private static final Gpr QUANTS = RSI;
    private static final Gpr FIELDS = RDX;
    private static final Gpr BLOCKS = RCX;
    private static final Gpr STRIDE = R8;
    /** Bytes from field to field. */
    private static final Gpr FIELD = R9;
    /** Three times as many: see {@link BlockCode#GROUP_BYTES_3}. */
    private static final Gpr FIELD_3 = R11;
    /** The stack as it was: constants lie at a multiple of 64 below. */
    private static final Gpr FRAME = R10;
    /** For constants on their way to another kind of register. */
    private static final Gpr SCRATCH = RAX;
    /** Vectors: numbers from 0 on, and these. */
    private static final int LARGEST = 5;
    private static final int HALF_SUM = 8;
    private static final int SUM = 10;
    private static final int ZERO = 11;
    private static final int LIMITS = 12;
    private static final int WORK = 7;

    private final Emitter e;
    private final Assembler a;
    private final int vectors;

    private QuantizeCode(Emitter e) {
        this.e = e;
        a = e.assembler();
        vectors = TokenFormat.BLOCK * Float.BYTES / e.isa().bytes();
    }

    /**
     * {@code void f(in, quants, fields, blocks, stride, field)}, all of 64 bits: reads 32 floats a block, writes 32 bytes to
     * {@code quants} and to {@code fields}, {@code field} bytes behind each other, the rest of {@link TokenFormat#BYTES}; from block to
     * block all go on by {@code stride}.
     */
    public static void write(Assembler a, Isa isa) {
        new QuantizeCode(new Emitter(a, isa)).write();
    }

    private void write() {
        a.mov(FRAME, RSP);
        a.add(RSP, -(Emitter.CONSTANT_BYTES + WeightFormat.VECTOR));
        a.and(RSP, (byte) -WeightFormat.VECTOR);
        e.define(MAGNITUDE);
        e.define(BYTE);
        a.mov(FIELD_3, FIELD);
        a.add(FIELD_3, FIELD);
        a.add(FIELD_3, FIELD);
        a.mov(SCRATCH, Float.floatToRawIntBits(LIMIT));
        a.emit(VMOVD, xmm(LIMITS), SCRATCH);
        a.emit(VPXOR, xmm(ZERO), xmm(ZERO), xmm(ZERO));
        Label block = new Label();
        a.bind(block);
        round();
        sums();
        bytes();
        a.add(IN, TokenFormat.BLOCK * Float.BYTES);
        a.add(QUANTS, STRIDE);
        a.add(FIELDS, STRIDE);
        a.dec(BLOCKS);
        a.jump(Assembler.Condition.NOT_ZERO, block);
        a.vzeroupper();
        a.mov(RSP, FRAME);
        a.ret();
    }

    private void round() {
        for (int i = 0; i < vectors; i++) {
            e.load(i, at(IN, i * e.isa().bytes()));
            e.and(i == 0 ? LARGEST : WORK, i, MAGNITUDE);
            if (i > 0) {
                // As integers: the order is the same, and what is no number is above infinity.
                a.emit(VPMAXSD, e.vec(LARGEST), e.vec(LARGEST), e.vec(WORK));
            }
        }
        e.fold(VPMAXSD, LARGEST, WORK);
        a.emit(VDIVSS, xmm(WORK), xmm(LARGEST), xmm(LIMITS));
        a.emit(VMOVSS_STORE, at(FIELDS, 0), xmm(WORK));
        // Of a zero, this is infinite; its products then are out of the range of integers, which makes their low bytes 0.
        a.emit(VDIVSS, xmm(LARGEST), xmm(LIMITS), xmm(LARGEST));
        a.emit(VBROADCASTSS, e.vec(LARGEST), xmm(LARGEST));
        for (int i = 0; i < vectors; i++) {
            e.multiply(i, i, e.vec(LARGEST));
            a.emit(VCVTPS2DQ, e.vec(i), e.vec(i));
        }
    }

    private void sums() {
        for (int half = 0; half < 2; half++) {
            int sum = HALF_SUM + half;
            if (vectors == 2) {
                a.emit(VPOR, e.vec(sum), e.vec(half), e.vec(half));
            } else {
                a.emit(VPADDD, e.vec(sum), e.vec(2 * half), e.vec(2 * half + 1));
            }
            e.fold(VPADDD, sum, WORK);
        }
        a.emit(VPADDD, xmm(SUM), xmm(HALF_SUM), xmm(HALF_SUM + 1));
        store(SUM, at(FIELDS, FIELD, 1, 0));
        // Up and down again: where a number was out of range, its low byte is all that counts.
        a.emit(VPSRAD, xmm(SUM), xmm(SUM), SUM_BITS);
        a.emit(VCVTDQ2PS, xmm(SUM), xmm(SUM));
        a.emit(VMOVD_STORE, at(FIELDS, FIELD, 4, 0), xmm(SUM));
        store(HALF_SUM, at(FIELDS, FIELD, 2, 0));
        store(HALF_SUM + 1, at(FIELDS, FIELD_3, 1, 0));
    }

    /** Stores a sum, as a negative multiple. */
    private void store(int sum, Mem to) {
        a.emit(VPSLLD, xmm(sum), xmm(sum), SUM_BITS);
        a.emit(VPSUBD, xmm(sum), xmm(ZERO), xmm(sum));
        a.emit(VMOVD_STORE, to, xmm(sum));
    }

    /** Stores the low bytes of the integers. */
    private void bytes() {
        if (e.wide()) {
            for (int i = 0; i < vectors; i++) {
                a.emit(VPMOVDB, at(QUANTS, i * HALF_BYTES), e.vec(i));
            }
            return;
        }
        for (int i = 0; i < vectors; i++) {
            e.and(i, i, BYTE);
            a.emit(VEXTRACTI128, xmm(WORK), ymm(i), 1);
            a.emit(VPACKUSDW, xmm(i), xmm(i), xmm(WORK));
            if (i % 2 == 1) {
                a.emit(VPACKUSWB, xmm(i), xmm(i - 1), xmm(i));
                a.emit(VMOVUPS_STORE, at(QUANTS, i / 2 * HALF_BYTES), xmm(i));
            }
        }
    }
}
