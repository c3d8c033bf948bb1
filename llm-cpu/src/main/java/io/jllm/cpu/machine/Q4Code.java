package io.jllm.cpu.machine;

import static io.jllm.cpu.machine.Gpr.R10;
import static io.jllm.cpu.machine.Gpr.R11;
import static io.jllm.cpu.machine.Gpr.R8;
import static io.jllm.cpu.machine.Gpr.R9;
import static io.jllm.cpu.machine.Gpr.RAX;
import static io.jllm.cpu.machine.Gpr.RBP;
import static io.jllm.cpu.machine.Gpr.RBX;
import static io.jllm.cpu.machine.Gpr.RCX;
import static io.jllm.cpu.machine.Gpr.RDI;
import static io.jllm.cpu.machine.Gpr.RDX;
import static io.jllm.cpu.machine.Gpr.RSI;
import static io.jllm.cpu.machine.Gpr.RSP;
import static io.jllm.cpu.machine.Mem.at;
import static io.jllm.cpu.machine.Simd.*;
import static io.jllm.cpu.machine.Vec.zmm;

/**
 * Q4_0 weights of 16 rows at a time by 1 to 8 tokens, with AVX-512 VNNI. A lane is a row. For each block of 32 columns an
 * integer sum is exact: unsigned nibbles times signed bytes, starting at -8 times the sum of the token's bytes; then
 * acc = fma(sum, d of the row * d of the token, acc). That order is the same for every number of tokens.
 *
 * <p>Weights, for each group of 16 rows, and each pair of blocks: for each of the two, 16 scales in half precision; for each of
 * the two, four vectors, of which number j holds in lane r the bytes 4j to 4j + 3 of row r's block, as Q4_0 has them (columns
 * 4j.. in the low nibbles, 16 + 4j.. in the high ones). So all is one stream, and no vector lies across two cache lines. A last
 * block that has no partner keeps the place of its partner's scales. Tokens, for each block: 32 bytes for each token, then a scale (float) for each, then -8 times the sum for each.
 */
final class Q4Code {
    /** Rows of a group. */
    static final int ROWS = 16;
    /** Most tokens. */
    static final int TOKENS = 8;
    /** Bytes of a block of 16 rows: nibbles, and scales. */
    static final int NIBBLE_BYTES = 256;
    static final int SCALE_BYTES = 32;
    /** Bytes of a token's block: 32, a scale and a sum. */
    static final int TOKEN_BYTES = 40;
    private static final int QUANTS = 32;
    private static final int LINE = 64;
    /** How far ahead weights are asked for: the processor's own prefetching stops at the ends of pages. */
    private static final int AHEAD = 8192;
    private static final int NIBBLES = 0x0f0f0f0f;

    /** Accumulators are zmm0 to 7, sums 8 to 15, nibbles 16 to 23. */
    private static final int SUM = 8;
    private static final int PLANE = 16;
    private static final Vec SCALE = zmm(24);
    private static final Vec FACTOR = zmm(25);
    private static final Vec LOW = zmm(31);
    private static final int TAIL = 1;

    private Q4Code() {
    }

    /**
     * {@code void f(weights, tokens, out, blocks, groups, stride, residual, bias, mask)}, all of 64 bits. Writes row r of group
     * g for token t to {@code out + 64 g + 4 r + stride t}, bias and residual added where these are not 0. {@code residual} is
     * laid out as {@code out}; {@code mask} says which of the 16 rows there are, in every group of the call.
     */
    static void write(Assembler a, int tokens) {
        a.push(RBX);
        a.push(RBP);
        int pushed = 16;
        a.load(R10, at(RSP, pushed + 8));
        a.load(R11, at(RSP, pushed + 16));
        a.load(RAX, at(RSP, pushed + 24));
        a.kmovw(TAIL, RAX);
        a.mov(RAX, NIBBLES);
        a.emit(VPBROADCASTD_GPR, LOW, RAX);
        Label group = new Label();
        a.bind(group);
        for (int t = 0; t < tokens; t++) {
            a.emit(VPXORD, zmm(t), zmm(t), zmm(t));
        }
        a.mov(RAX, RSI);
        blocks(a, tokens);
        finish(a, tokens);
        a.dec(R8);
        a.jump(Assembler.Condition.NOT_ZERO, group);
        a.vzeroupper();
        a.pop(RBP);
        a.pop(RBX);
        a.ret();
    }

    /** Two blocks at a time, and the last one if their number is odd. */
    private static void blocks(Assembler a, int tokens) {
        Label pair = new Label();
        Label rest = new Label();
        Label done = new Label();
        a.mov(RBX, RCX);
        a.add(RBX, -2);
        a.jump(Assembler.Condition.NO_CARRY, rest);
        a.bind(pair);
        block(a, tokens, 0);
        block(a, tokens, 1);
        a.add(RDI, 2 * (SCALE_BYTES + NIBBLE_BYTES));
        a.add(RAX, 2 * TOKEN_BYTES * tokens);
        a.add(RBX, -2);
        a.jump(Assembler.Condition.CARRY, pair);
        a.bind(rest);
        a.add(RBX, 2);
        a.jump(Assembler.Condition.ZERO, done);
        block(a, tokens, 0);
        a.add(RDI, 2 * SCALE_BYTES + NIBBLE_BYTES);
        a.bind(done);
    }

    /** Block 0 or 1 of a pair. */
    private static void block(Assembler a, int tokens, int second) {
        int nibbles = 2 * SCALE_BYTES + NIBBLE_BYTES * second;
        int token = TOKEN_BYTES * tokens * second;
        for (int i = 0; i < NIBBLE_BYTES; i += LINE) {
            a.prefetcht0(at(RDI, AHEAD + nibbles + i));
        }
        for (int t = 0; t < tokens; t++) {
            a.emit(VPBROADCASTD, zmm(SUM + t), at(RAX, token + (QUANTS + Float.BYTES) * tokens + Integer.BYTES * t));
        }
        for (int j = 0; j < 4; j++) {
            Vec low = zmm(PLANE + j);
            Vec high = zmm(PLANE + 4 + j);
            a.emit(VMOVDQU32, low, at(RDI, nibbles + LINE * j));
            a.emit(VPSRLW, high, low, 4);
            a.emit(VPANDD, low, low, LOW);
            a.emit(VPANDD, high, high, LOW);
        }
        for (int j = 0; j < 8; j++) {
            for (int t = 0; t < tokens; t++) {
                a.emit(VPDPBUSD, zmm(SUM + t), zmm(PLANE + j), at(RAX, token + QUANTS * t + Integer.BYTES * j).each());
            }
        }
        a.emit(VCVTPH2PS, SCALE, at(RDI, SCALE_BYTES * second));
        for (int t = 0; t < tokens; t++) {
            a.emit(VMULPS, FACTOR, SCALE, at(RAX, token + QUANTS * tokens + Float.BYTES * t).each());
            a.emit(VCVTDQ2PS, zmm(SUM + t), zmm(SUM + t));
            a.emit(VFMADD231PS, zmm(t), zmm(SUM + t), FACTOR);
        }
    }

    private static void finish(Assembler a, int tokens) {
        Label noBias = new Label();
        a.test(R11, R11);
        a.jump(Assembler.Condition.ZERO, noBias);
        for (int t = 0; t < tokens; t++) {
            a.emit(VADDPS, zmm(t).masked(TAIL), zmm(t), at(R11, 0));
        }
        a.add(R11, LINE);
        a.bind(noBias);
        Label noResidual = new Label();
        a.test(R10, R10);
        a.jump(Assembler.Condition.ZERO, noResidual);
        a.mov(RBP, R10);
        for (int t = 0; t < tokens; t++) {
            a.emit(VADDPS, zmm(t).masked(TAIL), zmm(t), at(RBP, 0));
            a.add(RBP, R9);
        }
        a.add(R10, LINE);
        a.bind(noResidual);
        a.mov(RBP, RDX);
        for (int t = 0; t < tokens; t++) {
            a.emit(VMOVUPS_STORE, at(RBP, 0), zmm(t).masked(TAIL));
            a.add(RBP, R9);
        }
        a.add(RDX, LINE);
    }
}
