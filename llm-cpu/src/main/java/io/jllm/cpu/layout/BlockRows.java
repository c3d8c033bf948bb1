package io.jllm.cpu.layout;

import java.lang.foreign.MemorySegment;

/**
 * Rows of activations as products of rearranged weights take them, in groups of up to 8 tokens.
 *
 * @param format how they lie
 * @param data memory outside the heap
 * @param cols numbers a row
 * @param start where the first group starts, in bytes
 */
public record BlockRows(TokenFormat format, MemorySegment data, int cols, long start) {
    /** Most tokens of a group. */
    public static final int GROUP = TokenFormat.GROUP;

    /** Rows from the start of that memory on. */
    public BlockRows(TokenFormat format, MemorySegment data, int cols) {
        this(format, data, cols, 0);
    }

    /** Those whose first group starts with that token. */
    public BlockRows from(int token) {
        return token == 0 ? this : new BlockRows(format, data, cols, at(token));
    }

    /** Tokens in the group that starts with token {@code first}, of so many in all: the last group may be smaller. */
    public static int size(int first, int tokens) {
        return Math.min(GROUP, tokens - first);
    }

    /** Where the group that starts with token {@code first} does, in bytes. */
    public long at(int first) {
        return start + format.bytes(first, cols);
    }

    /** The same as an address. */
    public long address(int first) {
        return data.address() + at(first);
    }

    /** Writes a row as token {@code t} of {@code count} in the group that starts with token {@code first}, as {@link TokenFormat#FLOATS}. */
    public void copy(Rows x, int row, int first, int t, int count) {
        long group = at(first);
        long bytes = format.blockBytes();
        long from = x.row(row);
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
