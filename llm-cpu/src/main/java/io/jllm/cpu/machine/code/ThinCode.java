package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.*;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.ThinRows;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.machine.asm.Label;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Vec;

/**
 * Matrices of low rank by one token or two. What is multiplied is read once, from memory as a rule, so the next of it is asked for meanwhile.
 *
 * <pre>{@code
 * down:  for each group of 4 rows: s[row][t] = 0                    // 16 sums each
 *          for each run of 32 columns: s[row][t] += weights * x[t], 16 columns and then 16 more
 *          out[t][row] = tree(s[row][t]) * factor
 * up:    for 4 groups of 16 rows, then for one at a time:
 *          s[group] = out[group]
 *          for each line of weights: s[group] += weights * thin[column], of one column or of two
 *          out[group] = s[group]
 * }</pre>
 */
public final class ThinCode {
    /** Groups of rows whose sums are under way at once: each waits for itself. */
    public static final int UP_GROUPS = 4;
    private static final int LINE = WeightFormat.VECTOR;
    private static final int UPPER_HALF = 0xffff0000;
    // General-purpose registers: arguments of both, then of each, then others.
    private static final Gpr WEIGHTS = RDI;
    private static final Gpr OUT = RDX;
    private static final Gpr X = RSI;
    private static final Gpr DOWN_GROUPS = RCX;
    private static final Gpr RUNS = R8;
    private static final Gpr X_BYTES = R9;
    private static final Gpr[] TOKENS = {R10, R11};
    private static final Gpr STORE = R12;
    private static final Gpr FOURS = RCX;
    private static final Gpr LINES = R8;
    private static final Gpr GROUP_BYTES = R9;
    private static final Gpr[] GROUPS = {RDI, RAX, R10, R11};
    private static final Gpr THIN = R12;
    private static final Gpr NEXT = R13;
    private static final Gpr COUNTER = RBX;
    private static final Gpr SCRATCH = RAX;
    private static final Gpr[] SAVED = {RBX, R12, R13};
    /** Arguments on the stack. */
    private static final Mem SEVENTH = at(RSP, (SAVED.length + 1) * Long.BYTES);
    private static final Mem EIGHTH = at(RSP, (SAVED.length + 2) * Long.BYTES);
    // Vectors: sums from 0 on.
    private static final int SUMS = 8;
    private static final int FACTOR = 8;
    private static final int MORE = 9;
    private static final int WEIGHT = 10;
    private static final int PAIR = 11;
    private static final int MASK = 12;

    private final Emitter e;
    private final Assembler a;
    private final Floats numbers;
    private final int parts;

    private ThinCode(Assembler a, Isa isa, Floats numbers) {
        e = new Emitter(a, isa);
        this.a = a;
        this.numbers = numbers;
        parts = isa.parts();
    }

    /** Most tokens of {@link #writeDown}. */
    public static int tokens(Isa isa) {
        return SUMS / ThinRows.GROUP / isa.parts();
    }

    /** {@code void f(weights, x, out, groups of 4 rows, runs, bytes from token to token of x, factor's bits, bytes from token to token of out)}. */
    public static void writeDown(Assembler a, Isa isa, Floats numbers, int tokens) {
        new ThinCode(a, isa, numbers).down(tokens);
    }

    /** {@code void f(weights, thin, out, 4 groups, lines, bytes of a group, other groups, what is read next)}. */
    public static void writeUp(Assembler a, Isa isa, Floats numbers) {
        new ThinCode(a, isa, numbers).up();
    }

    private void begin() {
        for (Gpr r : SAVED) {
            a.push(r);
        }
        if (numbers == Floats.BF16) {
            a.mov(SCRATCH, UPPER_HALF);
            a.emit(VMOVD, Vec.xmm(MASK), SCRATCH);
            a.emit(VPBROADCASTD, e.vec(MASK), Vec.xmm(MASK));
        }
    }

    private void end() {
        for (int i = SAVED.length - 1; i >= 0; i--) {
            a.pop(SAVED[i]);
        }
        a.vzeroupper();
        a.ret();
    }

    private void down(int tokens) {
        begin();
        e.broadcast(FACTOR, SEVENTH, 0);
        Label group = new Label();
        a.bind(group);
        for (int t = 0; t < tokens; t++) {
            a.mov(TOKENS[t], t == 0 ? X : TOKENS[t - 1]);
            if (t > 0) {
                a.add(TOKENS[t], X_BYTES);
            }
        }
        for (int i = 0; i < SUMS; i++) {
            e.zero(i);
        }
        a.mov(COUNTER, RUNS);
        Label run = new Label();
        a.bind(run);
        int rowBytes = ThinRows.RUN * numbers.bytes();
        for (int r = 0; r < ThinRows.GROUP; r++) {
            for (int at = 0; at < rowBytes; at += LINE) {
                a.prefetcht0(at(WEIGHTS, ProductCode.AHEAD + r * rowBytes + at));
            }
            for (int p = 0; p < parts; p++) {
                rowOfRun(r, p, r * rowBytes, tokens);
            }
        }
        a.add(WEIGHTS, ThinRows.GROUP * rowBytes);
        for (int t = 0; t < tokens; t++) {
            a.add(TOKENS[t], ThinRows.RUN * Float.BYTES);
        }
        a.dec(COUNTER);
        a.jump(Assembler.Condition.NOT_ZERO, run);
        storeSums(tokens);
        a.dec(DOWN_GROUPS);
        a.jump(Assembler.Condition.NOT_ZERO, group);
        end();
    }

    private int sum(int row, int token) {
        return (row * tokens(e.isa()) + token) * parts;
    }

    private void rowOfRun(int row, int part, int at, int tokens) {
        for (int half = 0; half < 2; half++) {
            switch (numbers) {
                case BF16 -> brain(half, at(WEIGHTS, at + part * e.isa().bytes()));
                case F16 -> e.halves(WEIGHT, at(WEIGHTS, at + half * LINE / 2 + part * e.isa().bytes() / 2));
                case F32 -> e.load(WEIGHT, at(WEIGHTS, at + half * LINE + part * e.isa().bytes()));
            }
            for (int t = 0; t < tokens; t++) {
                e.multiplyAdd(sum(row, t) + part, WEIGHT, at(TOKENS[t], half * LINE + part * e.isa().bytes()));
            }
        }
    }

    /** A half of pairs; the lower one first. */
    private void brain(int half, Mem from) {
        if (half == 0) {
            e.load(PAIR, from);
            a.emit(VPSLLD, e.vec(WEIGHT), e.vec(PAIR), Short.SIZE);
        } else {
            a.emit(VPAND, e.vec(WEIGHT), e.vec(PAIR), e.vec(MASK));
        }
    }

    private void storeSums(int tokens) {
        a.mov(STORE, OUT);
        for (int t = 0; t < tokens; t++) {
            for (int r = 0; r < ThinRows.GROUP; r++) {
                int s = sum(r, t);
                if (parts == 2) {
                    a.emit(VADDPS, e.vec(s), e.vec(s), e.vec(s + 1));
                }
                e.fold(VADDPS, s, WEIGHT);
                a.emit(VMULPS, Vec.xmm(s), Vec.xmm(s), Vec.xmm(FACTOR));
                a.emit(VMOVSS_STORE, at(STORE, r * Float.BYTES), Vec.xmm(s));
            }
            a.load(SCRATCH, EIGHTH);
            a.add(STORE, SCRATCH);
        }
        a.add(OUT, ThinRows.GROUP * Float.BYTES);
    }

    private void up() {
        begin();
        a.load(NEXT, EIGHTH);
        Label rest = new Label();
        Label done = new Label();
        a.test(FOURS, FOURS);
        a.jump(Assembler.Condition.ZERO, rest);
        groups(UP_GROUPS);
        a.bind(rest);
        a.load(FOURS, SEVENTH);
        a.test(FOURS, FOURS);
        a.jump(Assembler.Condition.ZERO, done);
        groups(1);
        a.bind(done);
        end();
    }

    /** So many groups at a time, {@link #FOURS} times. */
    private void groups(int count) {
        Label again = new Label();
        a.bind(again);
        for (int g = 1; g < count; g++) {
            a.mov(GROUPS[g], GROUPS[g - 1]);
            a.add(GROUPS[g], GROUP_BYTES);
        }
        for (int v = 0; v < count * parts; v++) {
            e.load(v, at(OUT, v * e.isa().bytes()));
        }
        a.mov(COUNTER, LINES);
        a.mov(THIN, X);
        Label line = new Label();
        a.bind(line);
        for (int g = 0; g < count; g++) {
            a.prefetcht0(at(NEXT, g * LINE));
        }
        a.add(NEXT, count * LINE);
        line(count);
        for (int g = 0; g < count; g++) {
            a.add(GROUPS[g], LINE);
        }
        a.add(THIN, LINE / WeightFormat.ROWS / numbers.bytes() * Float.BYTES);
        a.dec(COUNTER);
        a.jump(Assembler.Condition.NOT_ZERO, line);
        for (int v = 0; v < count * parts; v++) {
            a.emit(VMOVUPS_STORE, at(OUT, v * e.isa().bytes()), e.vec(v));
        }
        if (count > 1) {
            a.mov(WEIGHTS, GROUPS[count - 1]);
        }
        a.add(OUT, count * LINE);
        a.dec(FOURS);
        a.jump(Assembler.Condition.NOT_ZERO, again);
    }

    private void line(int count) {
        e.broadcast(FACTOR, at(THIN, 0), 0);
        if (numbers != Floats.F32) {
            e.broadcast(MORE, at(THIN, Float.BYTES), 0);
        }
        for (int g = 0; g < count; g++) {
            for (int p = 0; p < parts; p++) {
                int at = p * e.isa().bytes();
                int s = g * parts + p;
                switch (numbers) {
                    case F32 -> e.multiplyAdd(s, FACTOR, at(GROUPS[g], at));
                    case F16 -> {
                        e.halves(WEIGHT, at(GROUPS[g], at / 2));
                        e.multiplyAdd(s, WEIGHT, e.vec(FACTOR));
                        e.halves(WEIGHT, at(GROUPS[g], (LINE + at) / 2));
                        e.multiplyAdd(s, WEIGHT, e.vec(MORE));
                    }
                    case BF16 -> {
                        brain(0, at(GROUPS[g], at));
                        e.multiplyAdd(s, WEIGHT, e.vec(FACTOR));
                        brain(1, at(GROUPS[g], at));
                        e.multiplyAdd(s, WEIGHT, e.vec(MORE));
                    }
                }
            }
        }
    }
}
