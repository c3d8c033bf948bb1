package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Simd.VPAND;
import static io.jllm.cpu.machine.asm.Simd.VPSLLD;
import static io.jllm.cpu.machine.asm.Simd.VPSRAD;
import static io.jllm.cpu.machine.code.BlockCode.TOKENS;

import io.jllm.cpu.layout.Numbers.EightBits;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Vec;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights that are floats, of 8, 16 or 32 bits, by floats. One column after the other is multiplied and added, rounded once. A sum
 * waits for itself, so several rows are under way at once.
 *
 * <pre>{@code
 * for each of 32 columns c:
 *   x[t] = token[t].c {1toN}                 // in a register if more than one vector of rows needs it
 *   for each group of 16 rows and part of a vector:
 *     w = weights of c                       // vcvtph2ps, a shift or a mask, or a load; of 8 bits, all of these, times their scale
 *     vfmadd231ps sum[group, part, t], w, x[t]
 * }</pre>
 */
record FloatCode(Emitter e, WeightFormat format, int tokens) implements BlockCode {
    /** Tokens are in registers from there on, of which each instruction set holds as many as it takes tokens; then comes a weight. */
    private static final int TOKEN_WIDE = 16;
    private static final int TOKEN_NARROW = 8;
    private static final int UPPER_HALF = 0xffff0000;
    /** Where a number of 8 bits has its sign and the rest in a float, and how far below the top of it. */
    private static final int EIGHT_BITS = 0x87f00000;
    private static final int EIGHT_BITS_DOWN = 4;

    @Override
    public List<Integer> constants() {
        return switch (format.numbers()) {
            case Floats.BF16 -> List.of(UPPER_HALF);
            case EightBits _ -> List.of(EIGHT_BITS);
            case Floats _, Integers _ -> List.of();
        };
    }

    @Override
    public int groups() {
        if (e.wide()) {
            return tokens <= 2 ? 4 : 2;
        }
        return tokens == 1 ? 4 : tokens <= 2 ? 2 : 1;
    }

    @Override
    public List<Pass> passes(int groups) {
        var passes = new ArrayList<Pass>();
        for (int t = 0; t < tokens; t += e.isa().tokens()) {
            passes.add(new Pass(groups, 0, e.isa().parts(), t, Math.min(e.isa().tokens(), tokens - t)));
        }
        return passes;
    }

    @Override
    public byte[] table() {
        return new byte[0];
    }

    @Override
    public void blocks(Pass p, int from, int to) {
        boolean shared = p.groups() * p.parts() > 1;
        int first = e.wide() ? TOKEN_WIDE : TOKEN_NARROW;
        int weight = first + e.isa().tokens();
        if (format.headerBytes() > 0 && from == 0) {
            ahead(p, 0);
        }
        for (int b = from; b < to; b++) {
            for (int c = 0; c < TokenFormat.BLOCK; c++) {
                if (c * format.blockBytes() % (TokenFormat.BLOCK * WeightFormat.VECTOR) == 0) {
                    ahead(p, at(b, c));
                }
                for (int t = 0; t < p.tokens() && shared; t++) {
                    e.broadcast(first + t, token(p.token() + t, b, c), 0);
                }
                for (int g = 0; g < p.groups(); g++) {
                    for (int h = 0; h < p.parts(); h++) {
                        weight(g, p.part() + h, b, c, weight);
                        for (int t = 0; t < p.tokens(); t++) {
                            e.multiplyAdd(p.sum(g, h, t), weight, shared ? e.vec(first + t) : e.each(token(p.token() + t, b, c), first));
                        }
                    }
                }
            }
        }
    }

    /** Asks for what comes later than a line of each group. Where as much work is for fewer bytes, it pays to ask earlier: measured. */
    private void ahead(Pass p, int line) {
        int ahead = ProductCode.AHEAD * (format.numbers() instanceof EightBits ? 2 : 1) / p.groups();
        for (int g = 0; g < p.groups() && p.token() == 0; g++) {
            e.assembler().prefetcht0(BlockCode.weights(g, ahead + line));
        }
    }

    /** Where the weights of a column are, in bytes from the start of the unit. */
    private int at(int block, int column) {
        return format.headerBytes() + block * format.blockBytes() + column * format.blockBytes() / TokenFormat.BLOCK;
    }

    private Mem token(int token, int block, int column) {
        return Mem.at(TOKENS, ((block * tokens + token) * TokenFormat.BLOCK + column) * Float.BYTES);
    }

    private void weight(int group, int part, int block, int column, int to) {
        int bytes = e.isa().bytes();
        switch (format.numbers()) {
            case Floats.F16 -> e.halves(to, BlockCode.weights(group, at(block, column) + part * bytes / 2));
            case Floats.BF16 -> {
                e.load(to, BlockCode.weights(group, at(block, column / 2 * 2) + part * bytes));
                // A pair is two upper halves of floats: the first becomes one when shifted up, the second when the first is masked away.
                if (column % 2 == 0) {
                    e.assembler().emit(VPSLLD, e.vec(to), e.vec(to), Short.SIZE);
                } else {
                    e.assembler().emit(VPAND, e.vec(to), e.vec(to), e.constant(UPPER_HALF));
                }
            }
            case Floats.F32 -> e.load(to, BlockCode.weights(group, at(block, column) + part * bytes));
            case EightBits _ -> eightBits(group, part, block, column, to);
            case Integers _ -> throw new IllegalStateException(format + " is of integers");
        }
    }

    /** Its bits come to the top of 32, and from there to a float's place. */
    private void eightBits(int group, int part, int block, int column, int to) {
        Assembler a = e.assembler();
        Vec v = e.vec(to);
        e.load(to, BlockCode.weights(group, at(block, column / Integer.BYTES * Integer.BYTES) + part * e.isa().bytes()));
        int up = (Integer.BYTES - 1 - column % Integer.BYTES) * Byte.SIZE;
        if (up > 0) {
            a.emit(VPSLLD, v, v, up);
        }
        a.emit(VPSRAD, v, v, EIGHT_BITS_DOWN);
        a.emit(VPAND, v, v, e.constant(EIGHT_BITS));
        e.multiply(to, to, BlockCode.weights(group, part * e.isa().bytes()));
    }
}
