package io.jllm.cpu.kernels;

import io.jllm.cpu.machine.MachineCode;
import java.lang.foreign.MemorySegment;

/**
 * Rows of activations in 8 bits, in groups of up to 8 tokens. For each group and each block of 32 columns: 32 bytes for each
 * token, then a float scale for each, then -8 times the sum of its bytes, an int, for each.
 *
 * @param data memory outside the heap
 * @param cols numbers a row
 */
public record BlockRows(MemorySegment data, int cols) {
    /** Most tokens of a group. */
    public static final int GROUP = MachineCode.TOKENS;

    /** Bytes of so many tokens. */
    public static long bytes(long tokens, long cols) {
        return tokens * (cols / MachineCode.BLOCK) * MachineCode.TOKEN_BYTES;
    }

    /** Tokens in the group that starts with token {@code first}, of so many in all: the last group may be smaller. */
    static int size(int first, int tokens) {
        return Math.min(GROUP, tokens - first);
    }

    /** Where the group that starts with token {@code first} does, as an address. */
    long address(int first) {
        return data.address() + bytes(first, cols);
    }
}
