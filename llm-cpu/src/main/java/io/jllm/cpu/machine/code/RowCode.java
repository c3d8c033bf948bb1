package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Constant;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Simd;
import io.jllm.cpu.machine.asm.Vec;
import java.util.function.IntConsumer;

/**
 * What is done with rows of floats: norms, gated activations, sums of exponentials. Where a row is summed up, there are 16 sums, which
 * are added as a tree: so results do not depend on the instruction set.
 *
 * <p>Functions take the address of {@link Constant#TABLE} last. Rows come as so many groups of 16 floats, and a mask of what is left
 * over, or 0 if nothing is: as bits with AVX-512, otherwise as the address of 16 ints that are 0 or -1.
 *
 * <p>All of them are passes over a row, with 16 sums, s, where they have sums:
 *
 * <pre>{@code
 * norm:   s += x * x;  f = 1 / sqrt(tree(s) / n + eps);  out = x * f * weight
 * gated:  y = -x, or twice GELU's polynomial;  out = x / (1 + exp(min(y, most))) * up
 * sums:   s = max(s, x), m = max(m, x & 0x7fffffff as integers);  then s += exp(x - largest)
 * pass:   a vector, or two, of each group;  if there is a rest, the same masked
 * }</pre>
 */
public final class RowCode {
    /** Where sums are written, in bytes: the largest number comes first, then this. */
    public static final int SUM_AT = Float.BYTES;
    /** Where the largest magnitude is. */
    public static final int MAGNITUDE_AT = 2 * Float.BYTES;
    /** Floats that are computed together: a vector, or two. */
    public static final int LANES = WeightFormat.ROWS;
    /** A row of norm weights is behind as many bytes, which begin with two floats: how many there are, and epsilon. */
    public static final int NORM_HEADER = WeightFormat.VECTOR;
    private static final int MAGNITUDE = 0x7fffffff;
    // General-purpose registers: arguments of norms and gated activations, then of sums, which have one less, then what all have.
    /** The row, or the gate. */
    private static final Gpr IN = RDI;
    private static final Gpr NORMED = RSI;
    private static final Gpr WEIGHT = RDX;
    private static final Gpr UP = RSI;
    private static final Gpr OUT = RDX;
    private static final Gpr GROUPS = RCX;
    private static final Gpr REST = R8;
    private static final Gpr TABLE = R9;
    private static final Gpr RESULTS = RSI;
    private static final Gpr SUM_GROUPS = RDX;
    private static final Gpr SUM_REST = RCX;
    private static final Gpr SUM_TABLE = R8;
    private static final Gpr COUNTER = R10;
    /** The row again, where there are two passes over it. */
    private static final Gpr AGAIN = R11;
    /** For constants on their way to another kind of register. */
    private static final Gpr SCRATCH = RAX;
    /** The mask register for what is left over. */
    private static final int TAIL = 1;
    /** A vector for the mask, where there are no mask registers. */
    private static final int MASK = 15;

    private final Emitter e;
    private final Assembler a;
    private final int parts;
    private final Gpr table;
    private boolean masked;

    private RowCode(Assembler a, Isa isa, Gpr table) {
        e = new Emitter(a, isa);
        this.a = a;
        this.table = table;
        parts = isa.parts();
    }

    /** {@code void f(in, out, weight, groups, rest, table)}. */
    public static void writeNorm(Assembler a, Isa isa) {
        new RowCode(a, isa, TABLE).norm();
    }

    /** {@code void f(gate, up, out, groups, rest, table)}. */
    public static void writeGated(Assembler a, Isa isa, boolean gelu) {
        new RowCode(a, isa, TABLE).gated(gelu);
    }

    /**
     * {@code void f(in, out, groups, rest, table)}: stores the largest of a row, the sum of what exp makes of all when the largest is taken
     * from them, and the largest magnitude as an integer.
     */
    public static void writeSums(Assembler a, Isa isa) {
        new RowCode(a, isa, SUM_TABLE).sums();
    }

    private Mem part(Gpr start, int part) {
        return at(start, part * e.isa().bytes());
    }

    /**
     * Does something for each vector of a row, the last one of which may be masked.
     *
     * @param groups of 16 floats; kept
     * @param rest a mask, or 0; kept
     * @param counter destroyed
     * @param next goes on by a group
     */
    private void row(Gpr groups, Gpr rest, Gpr counter, IntConsumer part, Runnable next) {
        Label loop = new Label();
        Label tail = new Label();
        Label done = new Label();
        a.mov(counter, groups);
        a.test(counter, counter);
        a.jump(Assembler.Condition.ZERO, tail);
        a.bind(loop);
        masked = false;
        for (int h = 0; h < parts; h++) {
            part.accept(h);
        }
        next.run();
        a.dec(counter);
        a.jump(Assembler.Condition.NOT_ZERO, loop);
        a.bind(tail);
        a.test(rest, rest);
        a.jump(Assembler.Condition.ZERO, done);
        masked = true;
        if (e.wide()) {
            a.mov(SCRATCH, rest);
            a.kmovw(TAIL, SCRATCH);
        }
        for (int h = 0; h < parts; h++) {
            if (!e.wide()) {
                e.load(MASK, part(rest, h));
            }
            part.accept(h);
        }
        a.bind(done);
    }

    /** Loads a vector; lanes that are masked are 0. */
    private void load(int to, Mem from) {
        if (!masked) {
            e.load(to, from);
        } else if (e.wide()) {
            e.zero(to);
            a.emit(VMOVUPS, e.vec(to).masked(TAIL), from);
        } else {
            a.emit(VMASKMOVPS, e.vec(to), e.vec(MASK), from);
        }
    }

    /** The same with the smallest of all numbers. Destroys the mask. */
    private void loadLowest(int to, Mem from) {
        if (!masked) {
            e.load(to, from);
        } else if (e.wide()) {
            e.load(to, Constant.NEGATIVE_INFINITY.in(table));
            a.emit(VMOVUPS, e.vec(to).masked(TAIL), from);
        } else {
            a.emit(VMASKMOVPS, e.vec(to), e.vec(MASK), from);
            a.emit(VPANDN, e.vec(MASK), e.vec(MASK), Constant.NEGATIVE_INFINITY.in(table));
            a.emit(VPOR, e.vec(to), e.vec(to), e.vec(MASK));
        }
    }

    private void store(Mem to, int from) {
        if (!masked) {
            a.emit(VMOVUPS_STORE, to, e.vec(from));
        } else if (e.wide()) {
            a.emit(VMOVUPS_STORE, to, e.vec(from).masked(TAIL));
        } else {
            a.emit(VMASKMOVPS_STORE, to, e.vec(MASK), e.vec(from));
        }
    }

    private void step(Gpr... addresses) {
        for (Gpr address : addresses) {
            a.add(address, LANES * Float.BYTES);
        }
    }

    /** All lanes of a register = what comes of all lanes of the parts from there on. */
    private void gather(Simd op, int register, int work) {
        if (parts == 2) {
            a.emit(op, e.vec(register), e.vec(register), e.vec(register + 1));
        }
        e.fold(op, register, work);
        a.emit(VBROADCASTSS, e.vec(register), Vec.xmm(register));
    }

    private void end() {
        a.vzeroupper();
        a.ret();
    }

    private void norm() {
        int x = 4;
        int work = 5;
        for (int h = 0; h < parts; h++) {
            e.zero(h);
        }
        a.mov(AGAIN, IN);
        row(GROUPS, REST, COUNTER, h -> {
            load(x, part(AGAIN, h));
            e.multiplyAdd(h, x, e.vec(x));
        }, () -> step(AGAIN));
        gather(VADDPS, 0, work);
        e.broadcast(x, at(WEIGHT, 0), 0);
        a.emit(VDIVPS, e.vec(0), e.vec(0), e.vec(x));
        e.broadcast(x, at(WEIGHT, Float.BYTES), 0);
        a.emit(VADDPS, e.vec(0), e.vec(0), e.vec(x));
        a.emit(VSQRTPS, e.vec(0), e.vec(0));
        // A division: the processor's estimate of 1 / sqrt is not the same on all of them.
        e.load(x, Constant.ONE.in(table));
        a.emit(VDIVPS, e.vec(0), e.vec(x), e.vec(0));
        a.add(WEIGHT, NORM_HEADER);
        row(GROUPS, REST, COUNTER, h -> {
            load(x, part(IN, h));
            load(work, part(WEIGHT, h));
            e.multiply(x, x, e.vec(0));
            e.multiply(x, x, e.vec(work));
            store(part(NORMED, h), x);
        }, () -> step(IN, WEIGHT, NORMED));
        end();
    }

    /** Both activations are x / (1 + exp(-y)): y is x for SiLU, and for GELU twice the argument of its tanh. */
    private void gated(boolean gelu) {
        int x = 0;
        int y = 1;
        int power = 2;
        int work = 3;
        row(GROUPS, REST, COUNTER, h -> {
            load(x, part(IN, h));
            if (gelu) {
                e.multiply(y, x, e.vec(x));
                e.multiply(y, y, Constant.GELU_CUBE.in(table));
                a.emit(VADDPS, e.vec(y), e.vec(y), Constant.ONE.in(table));
                e.multiply(y, y, e.vec(x));
                e.multiply(y, y, Constant.GELU.in(table));
            } else {
                e.zero(y);
                a.emit(VSUBPS, e.vec(y), e.vec(y), e.vec(x));
            }
            e.load(work, Constant.EXP_MAX.in(table));
            a.emit(VMINPS, e.vec(y), e.vec(work), e.vec(y)); // if one is no number, the last is taken
            e.exp(power, y, work, work + 1, table);
            a.emit(VADDPS, e.vec(power), e.vec(power), Constant.ONE.in(table));
            a.emit(VDIVPS, e.vec(x), e.vec(x), e.vec(power));
            load(y, part(UP, h));
            e.multiply(x, x, e.vec(y));
            store(part(OUT, h), x);
        }, () -> step(IN, UP, OUT));
        end();
    }

    private void sums() {
        int magnitude = 2;
        int x = 4;
        int y = 5;
        int work = 6;
        int mask = 14;
        a.mov(SCRATCH, MAGNITUDE);
        a.emit(VMOVD, Vec.xmm(mask), SCRATCH);
        a.emit(VPBROADCASTD, e.vec(mask), Vec.xmm(mask));
        for (int h = 0; h < parts; h++) {
            e.load(h, Constant.NEGATIVE_INFINITY.in(table));
            e.zero(magnitude + h);
        }
        a.mov(AGAIN, IN);
        row(SUM_GROUPS, SUM_REST, COUNTER, h -> {
            load(x, part(AGAIN, h));
            a.emit(VPAND, e.vec(x), e.vec(x), e.vec(mask));
            a.emit(VPMAXSD, e.vec(magnitude + h), e.vec(magnitude + h), e.vec(x));
            // What is masked must not be the largest, so it is loaded anew; for magnitudes zeros are low enough.
            loadLowest(x, part(AGAIN, h));
            a.emit(VMAXPS, e.vec(h), e.vec(h), e.vec(x));
        }, () -> step(AGAIN));
        gather(VMAXPS, 0, x);
        gather(VPMAXSD, magnitude, x);
        a.emit(VMOVSS_STORE, at(RESULTS, 0), Vec.xmm(0));
        a.emit(VMOVSS_STORE, at(RESULTS, MAGNITUDE_AT), Vec.xmm(magnitude));
        for (int h = 0; h < parts; h++) {
            e.zero(magnitude + h);
        }
        row(SUM_GROUPS, SUM_REST, COUNTER, h -> {
            loadLowest(x, part(IN, h));
            a.emit(VSUBPS, e.vec(x), e.vec(x), e.vec(0));
            e.exp(y, x, work, work + 1, table);
            a.emit(VADDPS, e.vec(magnitude + h), e.vec(magnitude + h), e.vec(y));
        }, () -> step(IN));
        gather(VADDPS, magnitude, x);
        a.emit(VMOVSS_STORE, at(RESULTS, SUM_AT), Vec.xmm(magnitude));
        end();
    }
}
