package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.code.AttentionCode.LANES;
import static io.jllm.cpu.machine.code.AttentionCode.STRIDE_BYTES;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.AttentionShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Simd;
import io.jllm.cpu.machine.asm.Vec;
import java.util.function.IntConsumer;

/** Turns the scores of a chunk into weights, of which those of positions that a row does not see are 0. */
final class SoftmaxCode {
    private static final Gpr TABLE = R15;

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
        code.load(R14, AttentionShape.GROUP_SCORES);
        code.load(R13, AttentionShape.RANGES);
        code.load(R12, AttentionShape.SUMS);
        code.load(RBX, AttentionShape.ROW_COUNT);
        a.bind(row);
        largest();
        exponentials();
        a.add(R14, STRIDE_BYTES);
        a.add(R13, 2 * Integer.BYTES);
        a.add(R12, code.shape().rowBytes());
        a.dec(RBX);
        a.jump(Assembler.Condition.NOT_ZERO, row);
    }

    /** Does something with each vector of a group, which rax points to, for all groups of a row. */
    private void groups(IntConsumer part) {
        Label loop = new Label();
        code.load(RCX, AttentionShape.GROUPS);
        a.mov(RAX, R14);
        a.bind(loop);
        for (int h = 0; h < parts; h++) {
            part.accept(h);
        }
        a.add(RAX, LANES * Float.BYTES);
        a.dec(RCX);
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
        e.broadcast(first, at(R13, 0), 0);
        e.broadcast(last, at(R13, Integer.BYTES), 0);
        e.broadcast(scale, at(RBP, AttentionShape.SCALE * Long.BYTES), 0);
        e.broadcast(x, at(RBP, AttentionShape.GROUP_POSITION * Long.BYTES), 0);
        for (int h = 0; h < parts; h++) {
            e.load(h, Constant.LOWEST.in(TABLE));
            a.emit(VPADDD, e.vec(position + h), e.vec(x), Constant.count(TABLE, h * lanes));
        }
        groups(h -> {
            Mem at = at(RAX, h * e.isa().bytes());
            Vec seen = e.vec(position + h);
            e.load(score, at);
            e.multiply(score, score, e.vec(scale));
            a.emit(VPSUBD, e.vec(x), seen, e.vec(first));
            a.emit(VPSUBD, e.vec(y), e.vec(last), seen);
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
        a.emit(VMOVSS_STORE, at(R12, 0), Vec.xmm(0));
        a.emit(VBROADCASTSS, e.vec(0), Vec.xmm(0));
    }

    private void exponentials() {
        int sum = 2;
        int x = 4;
        for (int h = 0; h < parts; h++) {
            e.zero(sum + h);
        }
        groups(h -> {
            Mem at = at(RAX, h * e.isa().bytes());
            e.load(x, at);
            a.emit(VSUBPS, e.vec(x), e.vec(x), e.vec(0));
            e.exp(x + 1, x, x + 2, x + 3, TABLE);
            a.emit(VMOVUPS_STORE, at, e.vec(x + 1));
            a.emit(VADDPS, e.vec(sum + h), e.vec(sum + h), e.vec(x + 1));
        });
        gather(VADDPS, sum, x);
        a.emit(VMOVSS_STORE, at(R12, Float.BYTES), Vec.xmm(sum));
    }

    /** Combines all lanes of the parts from a register on in its lane 0. */
    private void gather(Simd op, int register, int work) {
        if (parts == 2) {
            a.emit(op, e.vec(register), e.vec(register), e.vec(register + 1));
        }
        e.fold(op, register, work);
    }
}
