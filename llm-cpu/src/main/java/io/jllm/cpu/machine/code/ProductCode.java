package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;
import static io.jllm.cpu.machine.code.BlockCode.GROUP_BYTES;
import static io.jllm.cpu.machine.code.BlockCode.GROUP_BYTES_3;
import static io.jllm.cpu.machine.code.BlockCode.TOKENS;
import static io.jllm.cpu.machine.code.BlockCode.WEIGHTS;

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
 *
 * <pre>{@code
 * group:  for each pass:                      // as many sums as there are registers for
 *           weights = first; tokens = their start; sums = 0
 * unit:       BlockCode                       // sums += unit * tokens
 *             weights += unit; tokens += their blocks of it
 *             count -= blocks; jump if not below 0 to unit
 *             block by block, what a last unit has that lacks some
 *           sums += bias, sums += residual    // if their addresses are not 0
 *           store sums, masked, to out + stride * token
 *         out, residual, bias += groups * 64
 *         count = groups -= ...; jump if there are enough to group
 * }</pre>
 */
public final class ProductCode {
    /** How far ahead weights are asked for: the processor's own prefetching stops at the ends of pages. */
    static final int AHEAD = 4096;
    private static final List<Gpr> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);
    private static final int STACK_BYTES = Emitter.CONSTANT_BYTES + ScaleCode.STACK_BYTES;
    private static final byte ALIGN_STACK = -WeightFormat.VECTOR;
    // General-purpose registers: arguments where they come, the others where nothing is in the way. Weights, tokens and bytes of groups are
    // BlockCode's.
    /** The first token of all groups. */
    private static final Gpr FIRST_TOKENS = RSI;
    /** Where the sums of the group go. */
    private static final Gpr OUT = RDX;
    private static final Gpr BLOCKS = RCX;
    /** Groups that are left. */
    private static final Gpr GROUPS = R8;
    /** Bytes from token to token of results and residuals. */
    private static final Gpr STRIDE = R9;
    private static final Gpr RESIDUAL = R10;
    private static final Gpr BIAS = R11;
    /** The group's first unit, for the passes behind the first. */
    private static final Gpr FIRST_WEIGHTS = R12;
    private static final Gpr MASK = R15;
    /** The stack as it was: constants lie at a multiple of 64 below. */
    private static final Gpr FRAME = RBP;
    /** What is left of groups or of blocks, while these are counted. */
    private static final Gpr COUNT = RBX;
    /** Where a token's results or residuals are: the same register, for nothing is counted then. */
    private static final Gpr ROW = RBX;
    /** For constants on their way to another kind of register. */
    private static final Gpr SCRATCH = RAX;
    /** The mask register for the mask. */
    private static final int TAIL = 1;
    /** Vectors for the mask and for what is added, where there are no mask registers. */
    private static final int MASK_VECTOR = 13;
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
        a.mov(FRAME, RSP);
        a.add(RSP, -(STACK_BYTES + WeightFormat.VECTOR));
        a.and(RSP, ALIGN_STACK);
        int argument = (SAVED.size() + 1) * Long.BYTES;
        a.load(RESIDUAL, at(FRAME, argument));
        a.load(BIAS, at(FRAME, argument + Long.BYTES));
        a.load(MASK, at(FRAME, argument + 2 * Long.BYTES));
        a.load(GROUP_BYTES, at(FRAME, argument + 3 * Long.BYTES));
        a.mov(GROUP_BYTES_3, GROUP_BYTES);
        a.add(GROUP_BYTES_3, GROUP_BYTES);
        a.add(GROUP_BYTES_3, GROUP_BYTES);
        if (e.wide()) {
            a.mov(SCRATCH, MASK);
            a.kmovw(TAIL, SCRATCH);
        }
        // After the arguments: it takes rax and a vector, which are free until the first group.
        code.constants().forEach(e::define);
        byte[] table = code.table();
        if (table.length > 0) {
            e.defineTable(table);
        }
        if (code.groups() > 1) {
            groups(code.groups());
        }
        groups(1);
        a.vzeroupper();
        a.mov(RSP, FRAME);
        SAVED.reversed().forEach(a::pop);
        a.ret();
    }

    /** All groups, so many at a time, as long as there are as many. */
    private void groups(int count) {
        Label loop = new Label();
        Label done = new Label();
        enough(count, Assembler.Condition.NO_CARRY, done);
        a.bind(loop);
        a.mov(GROUPS, COUNT);
        a.mov(FIRST_WEIGHTS, WEIGHTS);
        List<Pass> passes = code.passes(count);
        for (Pass p : passes) {
            a.mov(WEIGHTS, FIRST_WEIGHTS);
            a.mov(TOKENS, FIRST_TOKENS);
            for (int i = 0; i < p.sums(); i++) {
                e.zero(i);
            }
            units(p);
            finish(p);
        }
        a.mov(WEIGHTS, FIRST_WEIGHTS);
        for (int g = 0; g < count; g++) {
            a.add(WEIGHTS, GROUP_BYTES);
        }
        a.add(OUT, count * WeightFormat.VECTOR);
        next(RESIDUAL, count);
        next(BIAS, count);
        enough(count, Assembler.Condition.CARRY, loop);
        a.bind(done);
    }

    /** Jumps if there are enough groups, or not; then {@link #COUNT} is what would be left. */
    private void enough(int count, Assembler.Condition condition, Label to) {
        a.mov(COUNT, GROUPS);
        a.add(COUNT, -count);
        a.jump(condition, to);
    }

    private void next(Gpr address, int groups) {
        Label none = new Label();
        a.test(address, address);
        a.jump(Assembler.Condition.ZERO, none);
        a.add(address, groups * WeightFormat.VECTOR);
        a.bind(none);
    }

    /** All blocks of a row, unit by unit; where a unit is several stored blocks, the last one may lack some. */
    private void units(Pass p) {
        int blocks = format.unitBlocks();
        Label unit = new Label();
        Label rest = new Label();
        a.mov(COUNT, BLOCKS);
        a.add(COUNT, -blocks);
        a.jump(Assembler.Condition.NO_CARRY, rest);
        a.bind(unit);
        code.blocks(p, 0, blocks);
        a.add(WEIGHTS, format.unitBytes(blocks));
        a.add(TOKENS, blocks * format.tokens().blockBytes() * tokens);
        a.add(COUNT, -blocks);
        a.jump(Assembler.Condition.CARRY, unit);
        a.bind(rest);
        if (blocks > 1 && format.type().blockElements() < format.unitColumns()) {
            Label done = new Label();
            a.add(COUNT, blocks);
            a.jump(Assembler.Condition.ZERO, done);
            for (int b = 0; b < blocks - 1; b++) {
                code.blocks(p, b, b + 1);
                a.dec(COUNT);
                a.jump(Assembler.Condition.ZERO, done);
            }
            a.bind(done);
        }
    }

    private void finish(Pass p) {
        Label noBias = new Label();
        a.test(BIAS, BIAS);
        a.jump(Assembler.Condition.ZERO, noBias);
        for (int t = 0; t < p.tokens(); t++) {
            add(p, t, BIAS);
        }
        a.bind(noBias);
        Label noResidual = new Label();
        a.test(RESIDUAL, RESIDUAL);
        a.jump(Assembler.Condition.ZERO, noResidual);
        firstToken(p, RESIDUAL);
        for (int t = 0; t < p.tokens(); t++) {
            add(p, t, ROW);
            a.add(ROW, STRIDE);
        }
        a.bind(noResidual);
        firstToken(p, OUT);
        for (int t = 0; t < p.tokens(); t++) {
            for (int g = 0; g < p.groups(); g++) {
                for (int h = 0; h < p.parts(); h++) {
                    store(row(ROW, p, g, h), p, p.sum(g, h, t), h);
                }
            }
            a.add(ROW, STRIDE);
        }
    }

    /** {@link #ROW} = where a pass's first token is. */
    private void firstToken(Pass p, Gpr start) {
        a.mov(ROW, start);
        for (int t = 0; t < p.token(); t++) {
            a.add(ROW, STRIDE);
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
                    a.emit(VMASKMOVPS, e.vec(ADDEND), e.vec(MASK_VECTOR), addend);
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
            a.emit(VMASKMOVPS_STORE, to, e.vec(MASK_VECTOR), e.vec(sum));
        }
    }

    private void mask(Pass p, int part) {
        e.load(MASK_VECTOR, at(MASK, (p.part() + part) * e.isa().bytes()));
    }
}
