package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.VPAND;
import static io.jllm.cpu.machine.asm.Simd.VPSLLD;
import static io.jllm.cpu.machine.code.BlockCode.TOKENS;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights that are floats, of 16 or 32 bits, by floats. One column after the other is multiplied and added, rounded once. A sum
 * waits for itself, so several rows are under way at once.
 *
 * <pre>{@code
 * for each of 32 columns c:
 *   x[t] = token[t].c {1toN}                 // in a register if more than one vector of rows needs it
 *   for each group of 16 rows and part of a vector:
 *     w = weights of c                       // vcvtph2ps, a shift or a mask, or a load
 *     vfmadd231ps sum[group, part, t], w, x[t]
 * }</pre>
 */
record FloatCode(Emitter e, WeightFormat format, Floats numbers, int tokens) implements BlockCode {
    /** Tokens are in registers from there on, of which each instruction set holds as many as it takes tokens; then comes a weight. */
    private static final int TOKEN_WIDE = 16;
    private static final int TOKEN_NARROW = 8;
    private static final int UPPER_HALF = 0xffff0000;

    @Override
    public List<Integer> constants() {
        return numbers == Floats.BF16 ? List.of(UPPER_HALF) : List.of();
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
        for (int c = 0; c < TokenFormat.BLOCK; c++) {
            if (p.token() == 0 && c * format.blockBytes() % (TokenFormat.BLOCK * WeightFormat.VECTOR) == 0) {
                for (int g = 0; g < p.groups(); g++) {
                    e.assembler().prefetcht0(BlockCode.weights(g, ProductCode.AHEAD / p.groups() + c * format.blockBytes() / TokenFormat.BLOCK));
                }
            }
            for (int t = 0; t < p.tokens() && shared; t++) {
                e.broadcast(first + t, token(p.token() + t, c), 0);
            }
            for (int g = 0; g < p.groups(); g++) {
                for (int h = 0; h < p.parts(); h++) {
                    weight(g, p.part() + h, c, weight);
                    for (int t = 0; t < p.tokens(); t++) {
                        e.multiplyAdd(p.sum(g, h, t), weight, shared ? e.vec(first + t) : e.each(token(p.token() + t, c), first));
                    }
                }
            }
        }
    }

    private static Mem token(int token, int column) {
        return at(TOKENS, (token * TokenFormat.BLOCK + column) * Float.BYTES);
    }

    private void weight(int group, int part, int column, int to) {
        int pair = column / 2 * WeightFormat.VECTOR + part * e.isa().bytes();
        switch (numbers) {
            case F16 -> e.halves(to, BlockCode.weights(group, (column * WeightFormat.VECTOR + part * e.isa().bytes()) / 2));
            case BF16 -> {
                e.load(to, BlockCode.weights(group, pair));
                // A pair is two upper halves of floats: the first becomes one when shifted up, the second when the first is masked away.
                if (column % 2 == 0) {
                    e.assembler().emit(VPSLLD, e.vec(to), e.vec(to), Short.SIZE);
                } else {
                    e.assembler().emit(VPAND, e.vec(to), e.vec(to), e.constant(UPPER_HALF));
                }
            }
            case F32 -> e.load(to, BlockCode.weights(group, column * WeightFormat.VECTOR + part * e.isa().bytes()));
        }
    }
}
