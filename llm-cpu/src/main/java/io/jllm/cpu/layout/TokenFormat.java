package io.jllm.cpu.layout;

/**
 * How products take their tokens: in groups, of up to {@value #GROUP}, and blocks, of {@value #BLOCK} columns. Both lie one after
 * the other; within a block, all is laid out field by field, each for one token after the other. {@link #PAIRS} and
 * {@link #NUMBERS} are in no groups.
 */
public enum TokenFormat {
    /**
     * 32 signed bytes; their scale d, a float; -8 times the sum of all of them, of the first 16 and of the last 16, ints; minus the
     * sum of all of them, a float.
     */
    BYTES(52),
    /** 32 floats. */
    FLOATS(128),
    /**
     * The numbers of {@link #BYTES} for lanes of 16 bits, token after token: for each four columns c to c + 3, a pair of shorts for
     * columns c and c + 2 and one for c + 1 and c + 3; behind all of these, for each block d, a float; then for each -8 times the sum of
     * its bytes, an int; then minus the sum, a float; then for each half of a block a pair of shorts, -16 times the sum of its bytes in columns
     * c and c + 1 of each four and the same for c + 2 and c + 3.
     */
    PAIRS(84),
    /** The numbers of {@link #BYTES} as floats, token after token: 32 floats a block; behind all of these, for each block d, a float. */
    NUMBERS(132);

    /** Most tokens of a group. */
    public static final int GROUP = 8;
    /** Columns of a block. */
    public static final int BLOCK = 32;

    /** Where fields of {@link #BYTES} lie, in bytes, for each token that lies there. */
    public static final int SCALE = 32;
    public static final int SUM = 36;
    public static final int HALF_SUMS = 40;
    public static final int FLOAT_SUM = 48;
    /** What sums are multiplied by. */
    public static final int SUM_FACTOR = 8;

    private final int blockBytes;

    TokenFormat(int blockBytes) {
        this.blockBytes = blockBytes;
    }

    /** Bytes of a token's block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Bytes of so many tokens of so many columns. */
    public long bytes(long tokens, long cols) {
        return tokens * Math.ceilDiv(cols, BLOCK) * blockBytes;
    }
}
