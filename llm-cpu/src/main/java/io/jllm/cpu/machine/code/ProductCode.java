package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Vec;
import java.util.List;

/**
 * Groups of 16 rows by 1 to 8 tokens: the loops, and what is done with the sums. A lane is a row.
 *
 * <p>{@code void f(weights, tokens, out, blocks, groups, stride, residual, bias, mask, groupBytes)}, all of 64 bits. Row r of group g by
 * token t goes to {@code out + 64 g + 4 r + stride t}, bias and residual added where these are not 0. {@code residual} is laid out as
 * {@code out}. {@code mask} says which of the 16 rows there are, in every group of the call: as bits with AVX-512, otherwise as the
 * address of 16 ints that are 0 or -1.
 */
public final class ProductCode {
    /** How far ahead weights are asked for: the processor's own prefetching stops at the ends of pages. */
    static final int AHEAD = 4096;
    private static final List<Gpr> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);
    private static final int STACK_BYTES = Emitter.CONSTANT_BYTES + ScaleCode.STACK_BYTES;
    private static final byte ALIGN_STACK = -WeightFormat.VECTOR;
    private static final int TAIL = 1;
    /** Registers for the mask and for what is added, where the mask is no mask register. */
    private static final int MASK = 13;
    private static final int ADDEND = 12;

    private final Emitter e;
    private final Assembler a;
    private final WeightFormat format;
    private final int tokens;
    private final BlockCode code;

    private ProductCode(Emitter e, WeightFormat format, int tokens) {
        this.e = e;
        this.format = format;
        this.tokens = tokens;
        a = e.assembler();
        code = BlockCode.of(e, format, tokens);
    }

    /** Writes the function for so many tokens. */
    public static void write(Assembler a, Isa isa, WeightFormat format, int tokens) {
        new ProductCode(new Emitter(a, isa), format, tokens).write();
    }

    private void write() {
        SAVED.forEach(a::push);
        a.mov(RBP, RSP);
        a.add(RSP, -(STACK_BYTES + WeightFormat.VECTOR));
        a.and(RSP, ALIGN_STACK);
        int argument = (SAVED.size() + 1) * Long.BYTES;
        a.load(R10, at(RBP, argument));
        a.load(R11, at(RBP, argument + Long.BYTES));
        a.load(R15, at(RBP, argument + 2 * Long.BYTES));
        a.load(R13, at(RBP, argument + 3 * Long.BYTES));
        a.mov(R14, R13);
        a.add(R14, R13);
        a.add(R14, R13);
        if (e.wide()) {
            a.mov(RAX, R15);
            a.kmovw(TAIL, RAX);
        }
        code.constants().forEach(e::define);
        if (code.groups() > 1) {
            groups(code.groups());
        }
        groups(1);
        a.vzeroupper();
        a.mov(RSP, RBP);
        SAVED.reversed().forEach(a::pop);
        a.ret();
    }

    /** All groups, so many at a time, as long as there are as many. */
    private void groups(int count) {
        Label loop = new Label();
        Label done = new Label();
        enough(count, Assembler.Condition.NO_CARRY, done);
        a.bind(loop);
        a.mov(R8, RBX);
        a.mov(R12, RDI);
        List<Pass> passes = code.passes(count);
        for (Pass p : passes) {
            a.mov(RDI, R12);
            a.mov(RAX, RSI);
            for (int i = 0; i < p.sums(); i++) {
                e.zero(i);
            }
            units(p);
            finish(p);
        }
        for (int g = 1; g < count; g++) {
            a.add(RDI, R13);
        }
        a.add(RDX, count * WeightFormat.VECTOR);
        next(R10, count);
        next(R11, count);
        enough(count, Assembler.Condition.CARRY, loop);
        a.bind(done);
    }

    /** Jumps if there are enough groups, or not; then rbx is what would be left. */
    private void enough(int count, Assembler.Condition condition, Label to) {
        a.mov(RBX, R8);
        a.add(RBX, -count);
        a.jump(condition, to);
    }

    private void next(Gpr address, int groups) {
        Label none = new Label();
        a.test(address, address);
        a.jump(Assembler.Condition.ZERO, none);
        a.add(address, groups * WeightFormat.VECTOR);
        a.bind(none);
    }

    /** All blocks of a row, unit by unit; where units are pairs, the last one may be half of one. */
    private void units(Pass p) {
        int blocks = format.unitBlocks();
        Label unit = new Label();
        Label rest = new Label();
        a.mov(RBX, RCX);
        a.add(RBX, -blocks);
        a.jump(Assembler.Condition.NO_CARRY, rest);
        a.bind(unit);
        unit(p, blocks);
        a.add(RBX, -blocks);
        a.jump(Assembler.Condition.CARRY, unit);
        a.bind(rest);
        if (blocks == 2) {
            Label done = new Label();
            a.add(RBX, blocks);
            a.jump(Assembler.Condition.ZERO, done);
            unit(p, 1);
            a.bind(done);
        }
    }

    private void unit(Pass p, int blocks) {
        code.unit(p, blocks);
        a.add(RDI, format.unitBytes(blocks));
        a.add(RAX, blocks * format.tokens().blockBytes() * tokens);
    }

    private void finish(Pass p) {
        Label noBias = new Label();
        a.test(R11, R11);
        a.jump(Assembler.Condition.ZERO, noBias);
        for (int t = 0; t < p.tokens(); t++) {
            add(p, t, R11);
        }
        a.bind(noBias);
        Label noResidual = new Label();
        a.test(R10, R10);
        a.jump(Assembler.Condition.ZERO, noResidual);
        firstToken(p, R10);
        for (int t = 0; t < p.tokens(); t++) {
            add(p, t, RBX);
            a.add(RBX, R9);
        }
        a.bind(noResidual);
        firstToken(p, RDX);
        for (int t = 0; t < p.tokens(); t++) {
            for (int g = 0; g < p.groups(); g++) {
                for (int h = 0; h < p.parts(); h++) {
                    store(row(RBX, p, g, h), p, p.sum(g, h, t), h);
                }
            }
            a.add(RBX, R9);
        }
    }

    /** rbx = where a pass's first token is. */
    private void firstToken(Pass p, Gpr start) {
        a.mov(RBX, start);
        for (int t = 0; t < p.token(); t++) {
            a.add(RBX, R9);
        }
    }

    private Mem row(Gpr start, Pass p, int group, int part) {
        return at(start, group * WeightFormat.VECTOR + (p.part() + part) * e.isa().bytes());
    }

    private void add(Pass p, int token, Gpr from) {
        for (int g = 0; g < p.groups(); g++) {
            for (int h = 0; h < p.parts(); h++) {
                Vec sum = e.vec(p.sum(g, h, token));
                Mem addend = row(from, p, g, h);
                if (e.wide()) {
                    a.emit(VADDPS, sum.masked(TAIL), sum, addend);
                } else {
                    mask(p, h);
                    a.emit(VMASKMOVPS, e.vec(ADDEND), e.vec(MASK), addend);
                    a.emit(VADDPS, sum, sum, e.vec(ADDEND));
                }
            }
        }
    }

    private void store(Mem to, Pass p, int sum, int part) {
        if (e.wide()) {
            a.emit(VMOVUPS_STORE, to, e.vec(sum).masked(TAIL));
        } else {
            mask(p, part);
            a.emit(VMASKMOVPS_STORE, to, e.vec(MASK), e.vec(sum));
        }
    }

    private void mask(Pass p, int part) {
        e.load(MASK, at(R15, (p.part() + part) * e.isa().bytes()));
    }
}
