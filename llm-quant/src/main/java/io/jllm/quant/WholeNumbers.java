package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How blocks hold whole numbers, those of types that are called U and the bits: numbers q of 2, 3, 4 or 8 bits that share a scale d in half
 * precision and a zero z stand for {@code (q - z) d}. Layout: d; z, a byte without a sign, below 16 for numbers of less than 8 bits; then for each
 * 32 numbers:
 * <ul>
 * <li>8 bits: a byte each
 * <li>4 bits: 16 bytes, of which byte j holds number j in its low half and number j + 16 in its high one
 * <li>2 and 3 bits: 8 bytes, four for each 16 numbers, of which bits 2k and 2k + 1 of byte j are the lower two of number 4k + j; then, of 3 bits, 4
 * bytes, of which bit k of byte j is the third one of number 4k + j
 * </ul>
 *
 * @param type one of those that are called U and the bits
 * @param bits of a number
 */
public record WholeNumbers(DType type, int bits) {
    /** One for each type. */
    public static final List<WholeNumbers> ALL = List.of(new WholeNumbers(DType.U2_32, 2), new WholeNumbers(DType.U2_64, 2),
            new WholeNumbers(DType.U2_128, 2), new WholeNumbers(DType.U3_32, 3), new WholeNumbers(DType.U3_64, 3), new WholeNumbers(DType.U3_128, 3),
            new WholeNumbers(DType.U4_32, 4), new WholeNumbers(DType.U4_64, 4), new WholeNumbers(DType.U4_128, 4), new WholeNumbers(DType.U8_32, 8));
    /** Numbers that stand together. */
    public static final int RUN = 32;
    /** Bytes of a block before its numbers: scale and zero. */
    public static final int HEADER = Short.BYTES + 1;
    private static final int HALF = RUN / 2;
    private static final int FOURS = 4;
    private static final int PAIR_BYTES = 8;
    private static final int NIBBLE = 15;

    /** The one for numbers of so many bits of which as many share a scale, if there is one. */
    public static Optional<WholeNumbers> of(int bits, int size) {
        return ALL.stream().filter(w -> w.bits == bits && w.type.blockElements() == size).findFirst();
    }

    /** The one of a type, if it is one of these. */
    public static Optional<WholeNumbers> of(DType type) {
        return ALL.stream().filter(w -> w.type == type).findFirst();
    }

    /** Bytes of 32 numbers. */
    public int runBytes() {
        return RUN * bits / Byte.SIZE;
    }

    /** Takes 32 numbers, without a sign, out of where they stand together. */
    public void unpack(MemorySegment src, long at, byte[] to) {
        for (int i = 0; i < RUN; i++) {
            int j = i % FOURS;
            int k = i / FOURS;
            to[i] = (byte) switch (bits) {
                case 8 -> src.get(ValueLayout.JAVA_BYTE, at + i);
                case 4 -> src.get(ValueLayout.JAVA_BYTE, at + i % HALF) >> i / HALF * FOURS & NIBBLE;
                default -> {
                    int low = src.get(ValueLayout.JAVA_BYTE, at + i / HALF * FOURS + j) >> k % FOURS * 2 & 3;
                    yield bits == 2 ? low : low | (src.get(ValueLayout.JAVA_BYTE, at + PAIR_BYTES + j) >> k & 1) << 2;
                }
            };
        }
    }

    /**
     * Packs 32 numbers.
     *
     * @param q without a sign, from an index on
     * @param dst receives {@link #runBytes} bytes from {@code to} on
     */
    public void pack(byte[] q, int from, byte[] dst, int to) {
        switch (bits) {
            case 8 -> System.arraycopy(q, from, dst, to, RUN);
            case 4 -> {
                for (int i = 0; i < HALF; i++) {
                    dst[to + i] = (byte) (q[from + i] | q[from + HALF + i] << FOURS);
                }
            }
            default -> packPairs(q, from, dst, to);
        }
    }

    private void packPairs(byte[] q, int from, byte[] dst, int to) {
        Arrays.fill(dst, to, to + runBytes(), (byte) 0);
        for (int i = 0; i < RUN; i++) {
            int j = i % FOURS;
            int k = i / FOURS;
            dst[to + i / HALF * FOURS + j] |= (byte) ((q[from + i] & 3) << k % FOURS * 2);
            if (bits == 3) {
                dst[to + PAIR_BYTES + j] |= (byte) (q[from + i] >> 2 << k);
            }
        }
    }
}
