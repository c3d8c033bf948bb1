package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;
import static io.jllm.cpu.machine.code.AttentionCode.FRAME;
import static io.jllm.cpu.machine.code.AttentionCode.LANES;
import static io.jllm.cpu.machine.code.AttentionCode.STRIDE_BYTES;

import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Simd;
import io.jllm.cpu.machine.asm.Vec;
import java.util.function.IntConsumer;

/**
 * Turns the scores of a chunk into weights, of which those of positions that a row does not see are 0.
 *
 * <pre>{@code
 * row:   for each 16 positions p:
 *          s = scores[p] * scale
 *          s = c - 2c / (exp(s) + 1)                          // if they are capped: scale has 2 / c in it
 *          s += slope * (last - p)                            // if they are biased
 *          hidden = (p - first | last - p) >> 31              // all ones where p is out of the range
 *          s = s & ~hidden | -infinity & hidden               // whatever was there, no number too
 *          scores[p] = s;  largest = max(largest, s)
 *        for each 16 positions:
 *          w = exp(scores - largest);  scores = w;  sum += w
 * }</pre>
 */
final class SoftmaxCode {
    private static final Gpr TABLE = R15;
    /** The row's scores, and a group of them. */
    private static final Gpr ROW = R14;
    private static final Gpr SCORES = RAX;
    /** The positions that it sees: two ints. */
    private static final Gpr RANGE = R13;
    /** Its sums, of which the largest score and the sum of weights are written here. */
    private static final Gpr SUMS = R12;
    private static final Gpr ROW_COUNT = RBX;
    /** What biases grow by. */
    private static final Gpr SLOPE = RDX;
    /** Groups that are left. */
    private static final Gpr GROUP_COUNT = RCX;

    /** Registers for what scores are capped by, what biases grow by, and for work. */
    private static final int CAP = 10;
    private static final int BIAS = 11;
    private static final int WORK = 12;

    private final AttentionCode code;
    private final Emitter e;
    private final Assembler a;
    private final int parts;
    private final int lanes;

    SoftmaxCode(AttentionCode code) {
        this.code = code;
        e = code.emitter();
        a = e.assembler();
        parts = e.isa().parts();
        lanes = LANES / parts;
    }

    /** Writes it. */
    void write() {
        Label row = new Label();
        code.load(TABLE, AttentionShape.CONSTANTS);
        code.load(ROW, AttentionShape.GROUP_SCORES);
        code.load(RANGE, AttentionShape.RANGES);
        code.load(SUMS, AttentionShape.SUMS);
        code.load(ROW_COUNT, AttentionShape.ROW_COUNT);
        code.load(SLOPE, AttentionShape.SLOPES);
        a.bind(row);
        largest();
        exponentials();
        a.add(ROW, STRIDE_BYTES);
        a.add(RANGE, 2 * Integer.BYTES);
        a.add(SLOPE, Float.BYTES);
        a.add(SUMS, code.shape().rowBytes());
        a.dec(ROW_COUNT);
        a.jump(Assembler.Condition.NOT_ZERO, row);
    }

    /** Does something with each vector of a group, which {@link #SCORES} points to, for all groups of a row. */
    private void groups(IntConsumer part) {
        Label loop = new Label();
        code.load(GROUP_COUNT, AttentionShape.GROUPS);
        a.mov(SCORES, ROW);
        a.bind(loop);
        for (int h = 0; h < parts; h++) {
            part.accept(h);
        }
        a.add(SCORES, LANES * Float.BYTES);
        a.dec(GROUP_COUNT);
        a.jump(Assembler.Condition.NOT_ZERO, loop);
    }

    /** Scales and masks a row; all lanes of register 0 become the largest score. */
    private void largest() {
        int position = 2;
        int first = 4;
        int last = 5;
        int scale = 6;
        int score = 7;
        int x = 8;
        int y = 9;
        e.broadcast(first, at(RANGE, 0), 0);
        e.broadcast(last, at(RANGE, Integer.BYTES), 0);
        e.broadcast(scale, at(FRAME, AttentionShape.SCALE * Long.BYTES), 0);
        if (code.shape().capped()) {
            e.broadcast(CAP, at(FRAME, AttentionShape.CAP * Long.BYTES), 0);
        }
        if (code.shape().biased()) {
            e.broadcast(BIAS, at(SLOPE, 0), 0);
        }
        e.broadcast(x, at(FRAME, AttentionShape.GROUP_POSITION * Long.BYTES), 0);
        for (int h = 0; h < parts; h++) {
            // Not minus infinity: of a row that sees nothing, all scores less this are minus infinity still, not no numbers.
            e.load(h, Constant.LOWEST.in(TABLE));
            a.emit(VPADDD, e.vec(position + h), e.vec(x), Constant.count(TABLE, h * lanes));
        }
        groups(h -> {
            Mem at = at(SCORES, h * e.isa().bytes());
            Vec seen = e.vec(position + h);
            e.load(score, at);
            e.multiply(score, score, e.vec(scale));
            if (code.shape().capped()) {
                cap(score, x, y);
            }
            a.emit(VPSUBD, e.vec(y), e.vec(last), seen);
            if (code.shape().biased()) {
                a.emit(VCVTDQ2PS, e.vec(x), e.vec(y));
                e.multiplyAdd(score, x, e.vec(BIAS));
            }
            a.emit(VPSUBD, e.vec(x), seen, e.vec(first));
            a.emit(VPOR, e.vec(x), e.vec(x), e.vec(y));
            a.emit(VPSRAD, e.vec(x), e.vec(x), Integer.SIZE - 1); // all ones where one of them is negative
            a.emit(VPANDN, e.vec(score), e.vec(x), e.vec(score));
            a.emit(VPAND, e.vec(x), e.vec(x), Constant.NEGATIVE_INFINITY.in(TABLE));
            a.emit(VPOR, e.vec(score), e.vec(score), e.vec(x));
            a.emit(VMOVUPS_STORE, at, e.vec(score));
            a.emit(VMAXPS, e.vec(h), e.vec(h), e.vec(score));
            a.emit(VPADDD, seen, seen, Constant.LANES.in(TABLE));
        });
        gather(VMAXPS, 0, x);
        a.emit(VMOVSS_STORE, at(SUMS, 0), Vec.xmm(0));
        a.emit(VBROADCASTSS, e.vec(0), Vec.xmm(0));
    }

    /** Caps scores, which come as twice what tanh is taken of; destroys x and y. */
    private void cap(int score, int x, int y) {
        e.load(x, Constant.EXP_MAX.in(TABLE));
        a.emit(VMINPS, e.vec(score), e.vec(x), e.vec(score)); // if one is no number, the last is taken
        e.exp(x, score, y, WORK, TABLE);
        a.emit(VADDPS, e.vec(x), e.vec(x), Constant.ONE.in(TABLE));
        a.emit(VDIVPS, e.vec(x), e.vec(CAP), e.vec(x));
        a.emit(VADDPS, e.vec(x), e.vec(x), e.vec(x));
        a.emit(VSUBPS, e.vec(score), e.vec(CAP), e.vec(x));
    }

    private void exponentials() {
        int sum = 2;
        int x = 4;
        for (int h = 0; h < parts; h++) {
            e.zero(sum + h);
        }
        groups(h -> {
            Mem at = at(SCORES, h * e.isa().bytes());
            e.load(x, at);
            a.emit(VSUBPS, e.vec(x), e.vec(x), e.vec(0));
            e.exp(x + 1, x, x + 2, x + 3, TABLE);
            a.emit(VMOVUPS_STORE, at, e.vec(x + 1));
            a.emit(VADDPS, e.vec(sum + h), e.vec(sum + h), e.vec(x + 1));
        });
        gather(VADDPS, sum, x);
        a.emit(VMOVSS_STORE, at(SUMS, Float.BYTES), Vec.xmm(sum));
    }

    /** Combines all lanes of the parts from a register on in its lane 0. */
    private void gather(Simd op, int register, int work) {
        if (parts == 2) {
            a.emit(op, e.vec(register), e.vec(register), e.vec(register + 1));
        }
        e.fold(op, register, work);
    }
}
