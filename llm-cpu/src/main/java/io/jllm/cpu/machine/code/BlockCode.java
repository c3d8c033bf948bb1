package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.R13;
import static io.jllm.cpu.machine.asm.Gpr.R14;
import static io.jllm.cpu.machine.asm.Gpr.RAX;
import static io.jllm.cpu.machine.asm.Gpr.RDI;
import static io.jllm.cpu.machine.asm.Mem.at;

import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Gpr;
import io.jllm.cpu.machine.asm.Mem;
import java.util.List;

/**
 * The inner part of a product: adds a unit of blocks to the sums. It reads from {@link #WEIGHTS} and {@link #TOKENS} and changes no
 * general-purpose register.
 */
sealed interface BlockCode permits IntegerCode, FloatCode {
    /** Address of the first group's unit. */
    Gpr WEIGHTS = RDI;
    /** Address of the tokens' blocks of the unit. */
    Gpr TOKENS = RAX;
    /** Bytes from group to group. */
    Gpr GROUP_BYTES = R13;
    /** Three times as many: an address can have a register once, twice, four or eight times, so the fourth group takes one of its own. */
    Gpr GROUP_BYTES_3 = R14;

    /** The code for what a format's numbers are. */
    static BlockCode of(Emitter e, WeightFormat format, int tokens) {
        return switch (format.numbers()) {
            case Numbers.Integers n -> new IntegerCode(e, format, n, tokens);
            case Numbers.Floats _, Numbers.EightBits _ -> new FloatCode(e, format, tokens);
        };
    }

    /** Constants that it wants to be defined. */
    List<Integer> constants();

    /** A table that it wants to be defined: 16 bytes, or none. */
    byte[] table();

    /** How many groups of rows it takes at a time, where there are as many. */
    int groups();

    /** The runs over the weights of so many groups. */
    List<Pass> passes(int groups);

    /** Writes blocks {@code from} (inclusive) to {@code to} (exclusive) of a unit. */
    void blocks(Pass p, int from, int to);

    /** Weights of a group. */
    static Mem weights(int group, int displacement) {
        return switch (group) {
            case 0 -> at(WEIGHTS, displacement);
            case 1 -> at(WEIGHTS, GROUP_BYTES, 1, displacement);
            case 2 -> at(WEIGHTS, GROUP_BYTES, 2, displacement);
            case 3 -> at(WEIGHTS, GROUP_BYTES_3, 1, displacement);
            default -> throw new IllegalArgumentException("no group " + group);
        };
    }
}
