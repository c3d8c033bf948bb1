package io.jllm.cpu.machine;

import static io.jllm.cpu.machine.Gpr.R8;
import static io.jllm.cpu.machine.Gpr.R9;
import static io.jllm.cpu.machine.Gpr.RAX;
import static io.jllm.cpu.machine.Gpr.RCX;
import static io.jllm.cpu.machine.Gpr.RDI;
import static io.jllm.cpu.machine.Gpr.RDX;
import static io.jllm.cpu.machine.Gpr.RSI;
import static io.jllm.cpu.machine.Mem.at;
import static io.jllm.cpu.machine.Simd.*;
import static io.jllm.cpu.machine.Vec.xmm;
import static io.jllm.cpu.machine.Vec.ymm;
import static io.jllm.cpu.machine.Vec.zmm;

/**
 * Floats to 8 bits, in blocks of 32 with a scale, with AVX-512: d = max |x| / 127, q = x * (127 / max |x|) rounded to the
 * nearest, ties to even. Numbers that are not finite make d so too, and with it every product.
 */
final class QuantizeCode {
    /** Most magnitude of a quant. */
    static final float LIMIT = 127;
    private static final int BLOCK = 32;
    private static final int VECTOR = 64;
    private static final int MAGNITUDE = 0x7fffffff;
    private static final Vec MAGNITUDES = zmm(16);
    private static final Vec LIMITS = xmm(5);
    private static final Vec ZERO = xmm(6);
    /** Lanes 2, 3, 0, 1 and 1, 0, 3, 2. */
    private static final int SWAP_HALVES = 0x4e;
    private static final int SWAP_PAIRS = 0xb1;

    private QuantizeCode() {
    }

    /**
     * {@code void f(in, quants, scales, blocks, stride, sums)}, all of 64 bits: reads 32 floats a block, writes 32 bytes to
     * {@code quants}, a float to {@code scales}, and -8 times the sum of the bytes {@code sums} bytes behind it; from block to
     * block both go on by {@code stride}.
     */
    static void write(Assembler a) {
        a.mov(RAX, MAGNITUDE);
        a.emit(VPBROADCASTD_GPR, MAGNITUDES, RAX);
        a.mov(RAX, Float.floatToRawIntBits(LIMIT));
        a.emit(VMOVD, LIMITS, RAX);
        a.emit(VPXOR_YMM, ZERO, ZERO, ZERO);
        Label block = new Label();
        a.bind(block);
        a.emit(VMOVUPS, zmm(0), at(RDI, 0));
        a.emit(VMOVUPS, zmm(1), at(RDI, VECTOR));
        a.emit(VPANDD, zmm(2), MAGNITUDES, zmm(0));
        a.emit(VPANDD, zmm(3), MAGNITUDES, zmm(1));
        // As integers: the order is the same, and what is no number is above infinity.
        a.emit(VPMAXSD, zmm(2), zmm(2), zmm(3));
        fold(a, VPMAXSD_YMM, 2);
        a.emit(VDIVSS, xmm(4), xmm(2), LIMITS);
        a.emit(VMOVSS_STORE, at(RDX, 0), xmm(4));
        // Of a zero, this is infinite; its products then are out of the range of integers, which makes their low bytes 0.
        a.emit(VDIVSS, xmm(3), LIMITS, xmm(2));
        a.emit(VBROADCASTSS, zmm(3), xmm(3));
        for (int i = 0; i < 2; i++) {
            a.emit(VMULPS, zmm(i), zmm(i), zmm(3));
            a.emit(VCVTPS2DQ, zmm(i), zmm(i));
            a.emit(VPMOVDB, at(RSI, i * BLOCK / 2), zmm(i));
        }
        a.emit(VPADDD, zmm(0), zmm(0), zmm(1));
        fold(a, VPADDD_YMM, 0);
        a.emit(VPSLLD_YMM, xmm(0), xmm(0), 3);
        a.emit(VPSUBD_YMM, xmm(0), ZERO, xmm(0));
        a.emit(VMOVD_STORE, at(RDX, R9, 1, 0), xmm(0));
        a.add(RDI, 2 * VECTOR);
        a.add(RSI, R8);
        a.add(RDX, R8);
        a.dec(RCX);
        a.jump(Assembler.Condition.NOT_ZERO, block);
        a.vzeroupper();
        a.ret();
    }

    /** Combines the 16 lanes of a register into its lane 0; uses register 3. */
    private static void fold(Assembler a, Simd op, int register) {
        a.emit(VEXTRACTI64X4, ymm(3), zmm(register), 1);
        a.emit(op, ymm(register), ymm(register), ymm(3));
        a.emit(VEXTRACTI128, xmm(3), ymm(register), 1);
        a.emit(op, xmm(register), xmm(register), xmm(3));
        for (int order : new int[] {SWAP_HALVES, SWAP_PAIRS}) {
            a.emit(VPSHUFD, xmm(3), xmm(register), order);
            a.emit(op, xmm(register), xmm(register), xmm(3));
        }
    }
}
