package io.jllm.cpu.kernels;

import io.jllm.cpu.machine.TokenFormat;
import java.lang.foreign.MemorySegment;

/**
 * Rows of activations as products in machine code take them, in groups of up to 8 tokens.
 *
 * @param format how they lie
 * @param data memory outside the heap
 * @param cols numbers a row
 */
public record BlockRows(TokenFormat format, MemorySegment data, int cols) {
    /** Most tokens of a group. */
    public static final int GROUP = TokenFormat.GROUP;

    /** Tokens in the group that starts with token {@code first}, of so many in all: the last group may be smaller. */
    static int size(int first, int tokens) {
        return Math.min(GROUP, tokens - first);
    }

    /** Where the group that starts with token {@code first} does, in bytes. */
    long at(int first) {
        return format.bytes(first, cols);
    }

    /** The same as an address. */
    long address(int first) {
        return data.address() + at(first);
    }
}
