package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;

/**
 * Rows of activations as products of rearranged weights take them, in groups of up to 8 tokens.
 *
 * @param format how they lie
 * @param data memory outside the heap
 * @param cols numbers a row
 */
public record BlockRows(TokenFormat format, MemorySegment data, int cols) {
    /** Most tokens of a group. */
    public static final int GROUP = TokenFormat.GROUP;

    /** Tokens in the group that starts with token {@code first}, of so many in all: the last group may be smaller. */
    public static int size(int first, int tokens) {
        return Math.min(GROUP, tokens - first);
    }

    /** Where the group that starts with token {@code first} does, in bytes. */
    public long at(int first) {
        return format.bytes(first, cols);
    }

    /** The same as an address. */
    public long address(int first) {
        return data.address() + at(first);
    }

    /** Writes the group that starts with row {@code first}, of so many rows, as {@link TokenFormat#FLOATS}. */
    public void copy(Rows x, int first, int count) {
        long group = at(first);
        long bytes = format.blockBytes();
        for (int t = 0; t < count; t++) {
            long from = x.row(first + t);
            for (int c = 0; c < cols; c += TokenFormat.BLOCK) {
                long block = group + ((long) c / TokenFormat.BLOCK * count + t) * bytes;
                int columns = Math.min(TokenFormat.BLOCK, cols - c);
                MemorySegment.copy(x.data(), from + (long) c * Float.BYTES, data, block, (long) columns * Float.BYTES);
                if (columns < TokenFormat.BLOCK) {
                    Rows.clear(data, block + (long) columns * Float.BYTES, (int) (bytes / Float.BYTES) - columns);
                }
            }
        }
    }
}
