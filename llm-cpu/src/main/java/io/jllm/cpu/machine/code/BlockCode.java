package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.R13;
import static io.jllm.cpu.machine.asm.Gpr.R14;
import static io.jllm.cpu.machine.asm.Gpr.RDI;
import static io.jllm.cpu.machine.asm.Mem.at;

import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
import java.util.List;

/**
 * The inner part of a product: adds a unit of blocks to the sums. Weights are at rdi, those of further groups r13 bytes behind each other
 * (r14 is three times as much), tokens at rax.
 */
sealed interface BlockCode permits IntegerCode, FloatCode {
    /** The code for what a format's numbers are. */
    static BlockCode of(Emitter e, WeightFormat format, int tokens) {
        return switch (format.numbers()) {
            case Numbers.Integers n -> new IntegerCode(e, format, n, tokens);
            case Numbers.Floats n -> new FloatCode(e, format, n, tokens);
        };
    }

    /** Constants that it wants to be defined. */
    List<Integer> constants();

    /** How many groups of rows it takes at a time, where there are as many. */
    int groups();

    /** The runs over the weights of so many groups. */
    List<Pass> passes(int groups);

    /** Writes a unit of so many blocks. */
    void unit(Pass p, int blocks);

    /** Weights of a group. */
    static Mem weights(int group, int displacement) {
        return switch (group) {
            case 0 -> at(RDI, displacement);
            case 1 -> at(RDI, R13, 1, displacement);
            case 2 -> at(RDI, R13, 2, displacement);
            case 3 -> at(RDI, R14, 1, displacement);
            default -> throw new IllegalArgumentException("no group " + group);
        };
    }
}
