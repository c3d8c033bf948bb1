package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Simd.VPAND;
import static io.jllm.cpu.machine.asm.Simd.VPSLLD;
import static io.jllm.cpu.machine.code.BlockCode.TOKENS;

import io.jllm.cpu.layout.Numbers.EightBits;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
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
 *     w = weights of c                       // vcvtph2ps, a shift or a mask, or a load; of 8 bits see EightBitCode
 *     vfmadd231ps sum[group, part, t], w, x[t]
 * }</pre>
 */
record FloatCode(Emitter e, WeightFormat format, int tokens) implements BlockCode {
    /** Tokens are in registers from there on, of which each instruction set holds as many as it takes tokens; then comes a weight. */
    private static final int TOKEN_WIDE = 16;
    private static final int TOKEN_NARROW = 8;
    private static final int UPPER_HALF = 0xffff0000;

    @Override
    public List<Integer> constants() {
        return switch (format.numbers()) {
            case Floats.BF16 -> List.of(UPPER_HALF);
            case EightBits _ -> new EightBitCode(e).constants();
            case Floats _, Integers _ -> List.of();
        };
    }

    @Override
    public int groups() {
        if (e.wide()) {
            return tokens <= 2 ? 4 : 2;
        }
        return tokens == 1 ? 4 : tokens == 2 ? 2 : 1;
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
                    if (format.numbers() instanceof EightBits && c % EightBitCode.FOUR == 0) {
                        new EightBitCode(e).fours(p.groups(), g, BlockCode.weights(g, at(b, c)));
                    }
                    for (int h = 0; h < p.parts(); h++) {
                        weight(p.groups(), g, p.part() + h, b, c, weight);
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

    private void weight(int groups, int group, int part, int block, int column, int to) {
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
            case EightBits _ -> {
                int four = column % EightBitCode.FOUR;
                new EightBitCode(e).weight(groups, group, four, BlockCode.weights(group, at(block, column - four) + part * bytes), to);
                e.multiply(to, to, BlockCode.weights(group, part * bytes)); // the header has their scale
            }
            case Integers _ -> throw new IllegalStateException(format + " is of integers");
        }
    }
}
