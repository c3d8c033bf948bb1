package io.jllm.cpu.layout;

/**
 * Where the bits of a block's integers are: in four vectors of nibbles, and perhaps in one or two more with further bits, in eight
 * vectors of whole bytes, or in two of pairs of bits, and perhaps one with a third bit.
 *
 * <p>Four bits: "nibbles c, d" for the pairs of columns that {@link #column} says. A fifth bit: a vector behind the nibbles, of whose bytes
 * bits 0 to 7 belong to columns 0, 4, 16, 20, 8, 12, 24, 28 (and on). Two more: a vector for each half of the block, bits 0 and 1 for its
 * columns 0 to 3, and so on. Nibbles may be places in a {@link CodeBook}: its values, with the offset added, are the integers then.
 *
 * <p>Two bits: a vector for each half of the block, bits 0 and 1 for its columns 0 to 3, and so on. A third bit: a vector behind these, of
 * whose bytes bits 0 to 7 belong to columns 0, 4, 8 (and on).
 *
 * @param extraBits by how many bits they are longer than four: 0, 1, 2 or, for whole bytes, 4; or shorter, -2 or -1
 * @param offset by how much they are larger than what they stand for: 0 or a power of two
 * @param split whether a half of the block's vectors has columns of both its halves, as Q4_0 has it
 * @param book what nibbles stand for; only without further bits
 */
public record Planes(int extraBits, int offset, boolean split, CodeBook book) {
    /** Bits of a nibble; vectors of nibbles of a block; columns of a vector. */
    public static final int NIBBLES = 4;

    /** Numbers that are in no table. */
    public Planes(int extraBits, int offset, boolean split) {
        this(extraBits, offset, split, CodeBook.NONE);
    }

    /** Whether nibbles are places in a table. */
    public boolean coded() {
        return book != CodeBook.NONE;
    }

    /** Whether integers take 8 bits, stored or looked up, so that two products with bytes do not always fit 16. */
    public boolean eightBits() {
        return bytes() || book.eightBits();
    }

    /** Whether they are whole bytes. */
    public boolean bytes() {
        return extraBits == NIBBLES;
    }

    /** Whether they have two bits and perhaps a third, rather than nibbles. */
    public boolean pairs() {
        return extraBits < 0;
    }

    /** Whether they have three bits. */
    public boolean three() {
        return extraBits == -1;
    }

    /** Bits of one: as many as there are vectors of a block. */
    private int bits() {
        return NIBBLES + extraBits;
    }

    /** Bytes of a block of 16 rows. */
    int blockBytes() {
        return bits() * WeightFormat.VECTOR;
    }

    /** Which columns, in fours, vector {@code k} of a half has when nibbles are taken apart. */
    public int column(int half, int k) {
        return split ? k / 2 * NIBBLES + half * 2 + k % 2 : half * NIBBLES + k;
    }

    /** Half of the range of the integers. */
    public int middle() {
        return 1 << bits() - 1;
    }
}
