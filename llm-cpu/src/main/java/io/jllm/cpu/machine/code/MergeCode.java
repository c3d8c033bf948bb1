package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.AttentionShape.HEADER_BYTES;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.AttentionShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Vec;

/**
 * What becomes of the sums of chunks: they are added up, each by exp of what its largest score is below the largest of both, and divided
 * by the sum of the weights. {@code void f(frame)}: see {@link AttentionShape}.
 */
public final class MergeCode {
    private static final int TAIL = 1;
    private static final Gpr TABLE = RCX;

    private final Emitter e;
    private final Assembler a;
    private final AttentionShape shape;

    private MergeCode(Assembler a, Isa isa, AttentionShape shape) {
        e = new Emitter(a, isa);
        this.a = a;
        this.shape = shape;
    }

    /** Writes the function that adds the sums to the total. */
    public static void writeMerge(Assembler a, Isa isa, AttentionShape shape) {
        new MergeCode(a, isa, shape).merge();
    }

    /** Writes the function that divides the sums and stores them where results go. */
    public static void writeFinish(Assembler a, Isa isa, AttentionShape shape) {
        new MergeCode(a, isa, shape).finish();
    }

    private void load(Gpr to, int field) {
        a.load(to, at(RDI, field * Long.BYTES));
    }

    private void merge() {
        int largest = 2;
        int factor = 3;
        int other = 4;
        int x = 5;
        Label row = new Label();
        load(TABLE, AttentionShape.CONSTANTS);
        load(RDX, AttentionShape.TOTAL);
        load(RSI, AttentionShape.SUMS);
        load(R8, AttentionShape.ROW_COUNT);
        a.bind(row);
        e.broadcast(0, at(RDX, 0), 0);
        e.broadcast(1, at(RSI, 0), 0);
        a.emit(VMAXPS, e.vec(largest), e.vec(0), e.vec(1));
        a.emit(VMOVSS_STORE, at(RDX, 0), Vec.xmm(largest));
        a.emit(VSUBPS, e.vec(0), e.vec(0), e.vec(largest));
        a.emit(VSUBPS, e.vec(1), e.vec(1), e.vec(largest));
        e.exp(factor, 0, x, x + 1, TABLE);
        e.exp(other, 1, x, x + 1, TABLE);
        e.broadcast(0, at(RDX, Float.BYTES), 0);
        e.broadcast(1, at(RSI, Float.BYTES), 0);
        e.multiply(0, 0, e.vec(factor));
        e.multiplyAdd(0, 1, e.vec(other));
        a.emit(VMOVSS_STORE, at(RDX, Float.BYTES), Vec.xmm(0));
        for (int i = HEADER_BYTES; i < shape.rowBytes(); i += e.isa().bytes()) {
            e.load(0, at(RDX, i));
            e.load(1, at(RSI, i));
            e.multiply(0, 0, e.vec(factor));
            e.multiplyAdd(0, 1, e.vec(other));
            a.emit(VMOVUPS_STORE, at(RDX, i), e.vec(0));
        }
        a.add(RDX, shape.rowBytes());
        a.add(RSI, shape.rowBytes());
        a.dec(R8);
        a.jump(Assembler.Condition.NOT_ZERO, row);
        a.vzeroupper();
        a.ret();
    }

    private void finish() {
        int weights = 1;
        int mask = 2;
        int lanes = e.isa().bytes() / Float.BYTES;
        int rest = shape.dim() % lanes;
        load(TABLE, AttentionShape.CONSTANTS);
        if (rest > 0 && e.wide()) {
            a.mov(RAX, (1 << rest) - 1);
            a.kmovw(TAIL, RAX);
        } else if (rest > 0) {
            e.load(mask, Constant.ones(TABLE, rest));
        }
        load(RDX, AttentionShape.OUT);
        load(RSI, AttentionShape.SUMS);
        load(R8, AttentionShape.TOKENS);
        load(R10, AttentionShape.OUT_STRIDE);
        load(R11, AttentionShape.GROUP);
        Label token = new Label();
        Label row = new Label();
        a.bind(token);
        a.mov(RAX, RDX);
        a.mov(R9, R11);
        a.bind(row);
        e.broadcast(weights, at(RSI, Float.BYTES), 0);
        for (int i = 0; i < shape.dim(); i += lanes) {
            Mem to = at(RAX, i * Float.BYTES);
            e.load(0, at(RSI, HEADER_BYTES + i * Float.BYTES));
            a.emit(VDIVPS, e.vec(0), e.vec(0), e.vec(weights));
            if (shape.dim() - i >= lanes) {
                a.emit(VMOVUPS_STORE, to, e.vec(0));
            } else if (e.wide()) {
                a.emit(VMOVUPS_STORE, to, e.vec(0).masked(TAIL));
            } else {
                a.emit(VMASKMOVPS_STORE, to, e.vec(mask), e.vec(0));
            }
        }
        a.add(RSI, shape.rowBytes());
        a.add(RAX, shape.dim() * Float.BYTES);
        a.dec(R9);
        a.jump(Assembler.Condition.NOT_ZERO, row);
        a.add(RDX, R10);
        a.dec(R8);
        a.jump(Assembler.Condition.NOT_ZERO, token);
        a.vzeroupper();
        a.ret();
    }
}
