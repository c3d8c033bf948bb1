package io.jllm.cpu.layout.attention;

import io.jllm.cpu.layout.WeightFormat;

/**
 * What attention in machine code is written for, and what lies where.
 *
 * <p>A call has one argument, the address of a frame of longs: the fields that are named here, and from {@link #ENTRIES_AT} on entries of
 * {@link #ENTRY} longs each: how many positions there are in a row in a page; the addresses of the keys of the first of them (its first
 * dimension) and of its values; those of the first scales of these keys and values, if they have any.
 *
 * <p>A row of sums is {@link #rowBytes()} long: the largest score, the sum of the weights, and from {@link #HEADER_BYTES} on the weighted
 * sum of the values, filled up to a multiple of 16 with numbers of no use.
 *
 * @param format of keys and values
 * @param dim dimensions of a head
 * @param positions of a page: the keys' dimensions are so many numbers apart
 * @param capped whether scores s become c * tanh(s / c)
 * @param biased whether something is added to them then that grows with the distance
 */
public record AttentionShape(KvFormat format, int dim, int positions, boolean capped, boolean biased) {
    /** Rows come in multiples of this. */
    public static final int ROWS = 4;
    /** Positions whose weights are computed together. */
    public static final int LANES = WeightFormat.ROWS;
    /** Most positions of a call. */
    public static final int CHUNK = 256;
    /** Floats from row to row of scores: a vector more, for whole ones are written. */
    public static final int STRIDE = CHUNK + 2 * LANES;
    /** Bytes of a row of sums before its values. */
    public static final int HEADER_BYTES = WeightFormat.VECTOR;

    // Fields of a frame. Addresses of rows are those of the first one.
    /** Of numbers that the code needs. The code's own. */
    public static final int CONSTANTS = 0;
    /** How many entries there are. */
    public static final int ENTRIES = 1;
    /** How many rows of queries, with some that are there to fill up. */
    public static final int ROW_COUNT = 2;
    /** Address of rows of {@code dim} floats. */
    public static final int QUERIES = 3;
    /** Address of the score of the first position. */
    public static final int SCORES = 4;
    /** The same, or that of one of the 15 before it: scores are taken in groups of 16 from there on. */
    public static final int GROUP_SCORES = 5;
    /** How many groups. */
    public static final int GROUPS = 6;
    /** The number of the position that a group starts with, at least 0. */
    public static final int GROUP_POSITION = 7;
    /** What scores are multiplied by, as the bits of a float; if they are capped, by 2 / c as well. */
    public static final int SCALE = 8;
    /** Address of a pair of ints for each row: the first and the last position that it sees. There may be none between. */
    public static final int RANGES = 9;
    /** Address of rows of sums. */
    public static final int SUMS = 10;
    /** Address of rows of sums over earlier positions, to which the others are added. */
    public static final int TOTAL = 11;
    /** Where the results of the first token go. */
    public static final int OUT = 12;
    /** Bytes from token to token there. */
    public static final int OUT_STRIDE = 13;
    /** Tokens whose results are wanted. */
    public static final int TOKENS = 14;
    /** Rows of a token, which lie one after the other. */
    public static final int GROUP = 15;
    /** The c of scores that are capped, as the bits of a float. */
    public static final int CAP = 16;
    /** Address of a float for each row, if scores are biased: what is added for each position that a key is before the last one that is seen. */
    public static final int SLOPES = 17;
    /** Where entries begin. */
    public static final int ENTRIES_AT = 18;
    /** Longs of an entry. */
    public static final int ENTRY = 5;

    /** Bytes of a row of sums. */
    public int rowBytes() {
        return HEADER_BYTES + Math.ceilDiv(dim, WeightFormat.ROWS) * WeightFormat.VECTOR;
    }
}
