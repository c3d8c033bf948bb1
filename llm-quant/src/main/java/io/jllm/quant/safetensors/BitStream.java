package io.jllm.quant.safetensors;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Numbers of a few bits one after another in words of 32 bits, from the lowest bit on, as GPTQ and others pack them; a number may stand in two
 * words.
 *
 * @param words little-endian
 * @param step words from one of a stream to the next
 */
record BitStream(MemorySegment words, long step) {
    private static final int NIBBLE = 4;
    static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The numbers of the stream that begins with word {@code first}, as many as there is room for. */
    void read(long first, int bits, byte[] to) {
        read(first, bits, new byte[][] {to});
    }

    /** The same of streams that begin with word {@code first} and those behind it, whose words lie side by side. */
    void read(long first, int bits, byte[][] to) {
        long at = first * Integer.BYTES;
        var line = new int[to.length];
        var buffers = new long[to.length];
        int filled = 0;
        for (int i = 0; i < to[0].length;) {
            if (filled < bits) {
                MemorySegment.copy(words, INT, at, line, 0, line.length);
                at += step * Integer.BYTES;
                if (bits == NIBBLE && i + Long.BYTES <= to[0].length) {
                    for (int r = 0; r < to.length; r++) {
                        LONGS.set(to[r], i, nibbles(line[r]));
                    }
                    i += Long.BYTES;
                    continue;
                }
                for (int r = 0; r < to.length; r++) {
                    buffers[r] |= (line[r] & 0xFFFFFFFFL) << filled;
                }
                filled += Integer.SIZE;
            }
            int whole = Math.min(filled / bits, to[0].length - i);
            for (int r = 0; r < to.length; r++) {
                buffers[r] = take(buffers[r], bits, to[r], i, whole);
            }
            filled -= whole * bits;
            i += whole;
        }
    }

    /** Takes so many numbers out of a buffer; returns what is left. */
    private static long take(long buffer, int bits, byte[] to, int from, int count) {
        int mask = (1 << bits) - 1;
        long rest = buffer;
        for (int i = from; i < from + count; i++) {
            to[i] = (byte) (rest & mask);
            rest >>>= bits;
        }
        return rest;
    }

    /** Eight numbers of 4 bits, a byte each. */
    static long nibbles(int word) {
        long x = word & 0xFFFFFFFFL;
        x = (x | x << Short.SIZE) & 0x0000FFFF0000FFFFL;
        x = (x | x << Byte.SIZE) & 0x00FF00FF00FF00FFL;
        return (x | x << NIBBLE) & 0x0F0F0F0F0F0F0F0FL;
    }

    /** Whether all numbers of so many bits are that one, of which only so many bits count; false, too, if numbers stand in two words. */
    boolean only(int bits, int number) {
        if (Integer.SIZE % bits != 0 || words.byteSize() == 0) {
            return false;
        }
        int one = number & (1 << bits) - 1;
        int word = 0;
        for (int bit = 0; bit < Integer.SIZE; bit += bits) {
            word |= one << bit;
        }
        long rest = words.byteSize() - Integer.BYTES;
        return words.get(INT, 0) == word && words.asSlice(0, rest).mismatch(words.asSlice(Integer.BYTES, rest)) < 0;
    }

    /** Number {@code index} of the stream that begins with word {@code first}. */
    int get(long first, int bits, long index) {
        long bit = index * bits;
        long at = (first + bit / Integer.SIZE * step) * Integer.BYTES;
        int shift = (int) (bit % Integer.SIZE);
        long word = words.get(INT, at) & 0xFFFFFFFFL;
        if (shift + bits > Integer.SIZE) {
            word |= (words.get(INT, at + step * Integer.BYTES) & 0xFFFFFFFFL) << Integer.SIZE;
        }
        return (int) (word >>> shift) & (1 << bits) - 1;
    }
}
