package io.jllm.cpu.machine.code;

import static io.jllm.cpu.layout.attention.AttentionShape.ENTRIES;
import static io.jllm.cpu.layout.attention.AttentionShape.ENTRIES_AT;
import static io.jllm.cpu.layout.attention.AttentionShape.ENTRY;
import static io.jllm.cpu.layout.attention.AttentionShape.STRIDE;
import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.VPMOVSXBD;

import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import java.util.List;

/**
 * Attention over a chunk of positions: scores, their exponentials, the weighted sum of values. A lane is a position where keys are read
 * and a dimension where values are, so every number is summed up in a lane of its own, in the order of dimensions or positions; the
 * weights of a row are added in 16 sums, by the number of the position modulo 16, and these as a tree. So results depend on neither
 * neighbours, pages nor the instruction set.
 *
 * <p>{@code void f(frame)}: see {@link AttentionShape}.
 *
 * <pre>{@code
 * ScoreCode     for each entry (positions of a page), some rows, 16 positions:  scores = q * keys
 * SoftmaxCode   for each row:  largest, weights = exp(scores - largest), their sum
 * ValueCode     for each four rows, some dimensions, all entries:  sums += weight * value
 * }</pre>
 */
public final class AttentionCode {
    private static final List<Gpr> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);
    /** The frame, all the time. */
    static final Gpr FRAME = RBP;
    /** The entry, while {@link #entries} goes over them. */
    static final Gpr ENTRY_AT = R12;
    /** Entries that are left. */
    private static final Gpr ENTRY_COUNT = R13;
    static final int STRIDE_BYTES = STRIDE * Float.BYTES;
    /** Positions, or dimensions, that are computed together: a vector, or two. */
    static final int LANES = AttentionShape.LANES;

    private final Emitter e;
    private final Assembler a;
    private final AttentionShape shape;

    private AttentionCode(Assembler a, Isa isa, AttentionShape shape) {
        e = new Emitter(a, isa);
        this.a = a;
        this.shape = shape;
    }

    /** Writes the function that computes the sums of a chunk. */
    public static void writeChunk(Assembler a, Isa isa, AttentionShape shape) {
        var code = new AttentionCode(a, isa, shape);
        SAVED.forEach(a::push);
        a.mov(FRAME, RDI); // the argument, whose register is needed
        new ScoreCode(code).write();
        new SoftmaxCode(code).write();
        new ValueCode(code).write();
        a.vzeroupper();
        SAVED.reversed().forEach(a::pop);
        a.ret();
    }

    Emitter emitter() {
        return e;
    }

    AttentionShape shape() {
        return shape;
    }

    /** A field of the frame. */
    void load(Gpr to, int field) {
        a.load(to, at(FRAME, field * Long.BYTES));
    }

    /** A field of the entry. */
    static Mem entry(int field) {
        return at(ENTRY_AT, field * Long.BYTES);
    }

    /** Does something for each entry, to which {@link #ENTRY_AT} points; destroys one register more. */
    void entries(Runnable each) {
        Label loop = new Label();
        a.mov(ENTRY_AT, FRAME);
        a.add(ENTRY_AT, ENTRIES_AT * Long.BYTES);
        load(ENTRY_COUNT, ENTRIES);
        a.bind(loop);
        each.run();
        a.add(ENTRY_AT, ENTRY * Long.BYTES);
        a.dec(ENTRY_COUNT);
        a.jump(Assembler.Condition.NOT_ZERO, loop);
    }

    /** Numbers from a page, as floats. */
    void number(int to, Mem from, int scale) {
        switch (shape.format()) {
            case F32 -> e.load(to, from);
            case F16 -> e.halves(to, from);
            case Q8_0 -> {
                a.emit(VPMOVSXBD, e.vec(to), from);
                e.toFloats(to);
                e.multiply(to, to, e.vec(scale));
            }
        }
    }
}
