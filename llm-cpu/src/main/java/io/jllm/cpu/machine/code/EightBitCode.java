package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Simd.VPAND;
import static io.jllm.cpu.machine.asm.Simd.VPSLLD;
import static io.jllm.cpu.machine.asm.Simd.VPSLLW;
import static io.jllm.cpu.machine.asm.Simd.VPSRAD;
import static io.jllm.cpu.machine.asm.Simd.VPSRAW;

import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
import io.jllm.cpu.machine.asm.Vec;
import java.util.List;

/**
 * Floats of 8 bits, four columns of each of 16 rows in a vector, to floats 2^120 times smaller: their bits go to a float's place. Numbers below the
 * least that has all its bits, 2^-6, are such numbers as floats too, for which some processors take longer; where scales fit the weights, there is
 * hardly one in thousands.
 *
 * <pre>{@code
 * with registers for it, every fourth column:
 *   even = (v << 8) >> 4                       // of 16 bits: columns 0 and 2; signs are shifted in
 *   odd = v >> 4                               // 1 and 3
 * w = (even or odd, << 16 or as it is) & 0x87f00000     // of 32 bits
 *
 * without:
 * w = (v << 24 - 8 column) >> 4 & 0x87f00000
 * }</pre>
 */
record EightBitCode(Emitter e) {
    /** Columns of a vector. */
    static final int FOUR = 4;
    private static final int DOWN = 4;
    /** Where sign and the rest are in a float. */
    private static final int BITS = 0x87f00000;
    /** The first register that products leave free, of which there are four at least; where four groups are under way, there are others. */
    private static final int FREE = 25;
    private static final int FREE_OF_SUMS = 8;
    private static final int MANY_GROUPS = 3;

    List<Integer> constants() {
        return List.of(BITS);
    }

    /** The register with even columns of a group; that with odd ones is the next. */
    private static int even(int groups, int group) {
        return (groups >= MANY_GROUPS ? FREE_OF_SUMS : FREE) + 2 * group;
    }

    /**
     * What is done once for four columns.
     *
     * @param groups how many are under way
     * @param group which of them
     * @param from where its columns are
     */
    void fours(int groups, int group, Mem from) {
        if (!e.wide()) {
            return;
        }
        Assembler a = e.assembler();
        Vec even = e.vec(even(groups, group));
        Vec odd = e.vec(even(groups, group) + 1);
        e.load(odd.number(), from);
        a.emit(VPSLLW, even, odd, Byte.SIZE);
        a.emit(VPSRAW, even, even, DOWN);
        a.emit(VPSRAW, odd, odd, DOWN);
    }

    /**
     * A float for each row of a vector.
     *
     * @param column which of the four
     * @param from where they are
     */
    void weight(int groups, int group, int column, Mem from, int to) {
        Assembler a = e.assembler();
        Vec v = e.vec(to);
        if (e.wide()) {
            Vec pair = e.vec(even(groups, group) + column % 2);
            boolean lower = column < FOUR / 2;
            if (lower) {
                a.emit(VPSLLD, v, pair, Short.SIZE);
            }
            a.emit(VPAND, v, lower ? v : pair, e.constant(BITS));
            return;
        }
        e.load(to, from);
        if (column < FOUR - 1) {
            a.emit(VPSLLD, v, v, (FOUR - 1 - column) * Byte.SIZE);
        }
        a.emit(VPSRAD, v, v, DOWN);
        a.emit(VPAND, v, v, e.constant(BITS));
    }
}
