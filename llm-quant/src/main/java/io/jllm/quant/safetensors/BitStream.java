package io.jllm.quant.safetensors;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Numbers of a few bits one after another in words of 32 bits, from the lowest bit on, as GPTQ and others pack them; a number may stand in two
 * words.
 *
 * @param words little-endian
 * @param step words from one of a stream to the next
 */
record BitStream(MemorySegment words, long step) {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The numbers of the stream that begins with word {@code first}, as many as there is room for. */
    void read(long first, int bits, byte[] to) {
        int mask = (1 << bits) - 1;
        long at = first * Integer.BYTES;
        long buffer = 0;
        int filled = 0;
        for (int i = 0; i < to.length; i++) {
            if (filled < bits) {
                buffer |= (words.get(INT, at) & 0xFFFFFFFFL) << filled;
                filled += Integer.SIZE;
                at += step * Integer.BYTES;
            }
            to[i] = (byte) (buffer & mask);
            buffer >>>= bits;
            filled -= bits;
        }
    }

    /** The same of streams that begin with word {@code first} and those behind it, whose words lie side by side. */
    void read(long first, int bits, byte[][] to) {
        int mask = (1 << bits) - 1;
        long at = first * Integer.BYTES;
        var buffers = new long[to.length];
        int filled = 0;
        for (int i = 0; i < to[0].length;) {
            if (filled < bits) {
                for (int r = 0; r < to.length; r++) {
                    buffers[r] |= (words.get(INT, at + (long) r * Integer.BYTES) & 0xFFFFFFFFL) << filled;
                }
                filled += Integer.SIZE;
                at += step * Integer.BYTES;
            }
            int whole = Math.min(filled / bits, to[0].length - i);
            for (int r = 0; r < to.length; r++) {
                byte[] row = to[r];
                long buffer = buffers[r];
                for (int j = i; j < i + whole; j++) {
                    row[j] = (byte) (buffer & mask);
                    buffer >>>= bits;
                }
                buffers[r] = buffer;
            }
            filled -= whole * bits;
            i += whole;
        }
    }

    /** Whether all numbers of so many bits are that one; false, too, if numbers stand in two words. */
    boolean only(int bits, int number) {
        if (Integer.SIZE % bits != 0 || words.byteSize() == 0) {
            return false;
        }
        int word = 0;
        for (int bit = 0; bit < Integer.SIZE; bit += bits) {
            word |= number << bit;
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
