package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.attention.AttentionShape.HEADER_BYTES;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.attention.AttentionShape;
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
 *
 * <pre>{@code
 * merge:   for each row:
 *            m = max(total.largest, sums.largest)
 *            f = exp(total.largest - m), g = exp(sums.largest - m)
 *            total = total * f + sums * g                // the sum of weights and all values; total.largest = m
 * finish:  for each token, each of its rows:
 *            out = values / sum of weights               // the last vector masked
 *            next row; the next token a stride on
 * }</pre>
 *
 * <p>A row that has seen nothing has the lowest number as its largest score, so its factor is 0, or 1 beside another such row.
 */
public final class MergeCode {
    private static final Gpr FRAME = RDI;
    private static final Gpr TABLE = RCX;
    /** A row of the sums that are merged or stored. */
    private static final Gpr SUMS = RSI;
    /** A row of the sums over earlier positions. */
    private static final Gpr TOTAL = RDX;
    private static final Gpr ROW_COUNT = R8;
    /** Where the token's results go, and those of a row of it. */
    private static final Gpr OUT = RDX;
    private static final Gpr OUT_ROW = RAX;
    private static final Gpr TOKEN_COUNT = R8;
    private static final Gpr OUT_STRIDE = R10;
    /** Rows of a token, and those of it that are left. */
    private static final Gpr GROUP = R11;
    private static final Gpr GROUP_LEFT = R9;
    /** For constants on their way to another kind of register. */
    private static final Gpr SCRATCH = RAX;
    /** The mask register for the last vector. */
    private static final int TAIL = 1;

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
        a.load(to, at(FRAME, field * Long.BYTES));
    }

    private void merge() {
        int largest = 2;
        int factor = 3;
        int other = 4;
        int x = 5;
        Label row = new Label();
        load(TABLE, AttentionShape.CONSTANTS);
        load(TOTAL, AttentionShape.TOTAL);
        load(SUMS, AttentionShape.SUMS);
        load(ROW_COUNT, AttentionShape.ROW_COUNT);
        a.bind(row);
        e.broadcast(0, at(TOTAL, 0), 0);
        e.broadcast(1, at(SUMS, 0), 0);
        a.emit(VMAXPS, e.vec(largest), e.vec(0), e.vec(1));
        a.emit(VMOVSS_STORE, at(TOTAL, 0), Vec.xmm(largest));
        a.emit(VSUBPS, e.vec(0), e.vec(0), e.vec(largest));
        a.emit(VSUBPS, e.vec(1), e.vec(1), e.vec(largest));
        e.exp(factor, 0, x, x + 1, TABLE);
        e.exp(other, 1, x, x + 1, TABLE);
        e.broadcast(0, at(TOTAL, Float.BYTES), 0);
        e.broadcast(1, at(SUMS, Float.BYTES), 0);
        e.multiply(0, 0, e.vec(factor));
        e.multiplyAdd(0, 1, e.vec(other));
        a.emit(VMOVSS_STORE, at(TOTAL, Float.BYTES), Vec.xmm(0));
        for (int i = HEADER_BYTES; i < shape.rowBytes(); i += e.isa().bytes()) {
            e.load(0, at(TOTAL, i));
            e.load(1, at(SUMS, i));
            e.multiply(0, 0, e.vec(factor));
            e.multiplyAdd(0, 1, e.vec(other));
            a.emit(VMOVUPS_STORE, at(TOTAL, i), e.vec(0));
        }
        a.add(TOTAL, shape.rowBytes());
        a.add(SUMS, shape.rowBytes());
        a.dec(ROW_COUNT);
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
            a.mov(SCRATCH, (1 << rest) - 1);
            a.kmovw(TAIL, SCRATCH);
        } else if (rest > 0) {
            e.load(mask, Constant.ones(TABLE, rest));
        }
        load(OUT, AttentionShape.OUT);
        load(SUMS, AttentionShape.SUMS);
        load(TOKEN_COUNT, AttentionShape.TOKENS);
        load(OUT_STRIDE, AttentionShape.OUT_STRIDE);
        load(GROUP, AttentionShape.GROUP);
        Label token = new Label();
        Label row = new Label();
        a.bind(token);
        a.mov(OUT_ROW, OUT);
        a.mov(GROUP_LEFT, GROUP);
        a.bind(row);
        e.broadcast(weights, at(SUMS, Float.BYTES), 0);
        for (int i = 0; i < shape.dim(); i += lanes) {
            Mem to = at(OUT_ROW, i * Float.BYTES);
            e.load(0, at(SUMS, HEADER_BYTES + i * Float.BYTES));
            a.emit(VDIVPS, e.vec(0), e.vec(0), e.vec(weights));
            if (shape.dim() - i >= lanes) {
                a.emit(VMOVUPS_STORE, to, e.vec(0));
            } else if (e.wide()) {
                a.emit(VMOVUPS_STORE, to, e.vec(0).masked(TAIL));
            } else {
                a.emit(VMASKMOVPS_STORE, to, e.vec(mask), e.vec(0));
            }
        }
        a.add(SUMS, shape.rowBytes());
        a.add(OUT_ROW, shape.dim() * Float.BYTES);
        a.dec(GROUP_LEFT);
        a.jump(Assembler.Condition.NOT_ZERO, row);
        a.add(OUT, OUT_STRIDE);
        a.dec(TOKEN_COUNT);
        a.jump(Assembler.Condition.NOT_ZERO, token);
        a.vzeroupper();
        a.ret();
    }
}
