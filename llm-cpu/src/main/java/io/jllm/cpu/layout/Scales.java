package io.jllm.cpu.layout;

import java.util.List;

/** What integers are multiplied by, and where the header of a unit has it. */
public enum Scales {
    /** A scale in half precision for each block of 32. Header: 16 scales for each of two blocks. */
    HALVES(2, 64, 32, false, List.of(new Run(Short.BYTES, 2))),
    /**
     * A scale of 6 bits and a minimum of 6 bits for each block, times one in half precision each. Header: 16 scales d, 16 scales of minima;
     * three vectors of the 12 bytes with scales and minima of eight blocks, as GGUF packs them.
     */
    SIX_BITS(8, 256, 32, true, List.of(new Run(Short.BYTES, 2))),
    /**
     * A signed byte for each half of a block, times a float. Header: 16 floats; for each 16 columns of eight blocks, 16 bytes.
     */
    BYTES(8, 320, 16, false, List.of(new Run(Float.BYTES, 1), new Run(1, 16))),
    /**
     * A scale of 4 bits and a minimum of 4 bits for each half of a block, times one in half precision each. Header: 16 scales d, 16 scales of
     * minima; for each 16 columns of eight blocks, 16 bytes, scales in their low halves.
     */
    FOUR_BITS(8, 320, 16, true, List.of(new Run(Short.BYTES, 2), new Run(1, 16))),
    /** A scale and a minimum in half precision for each block. Header: 16 scales, 16 minima. */
    HALVES_AND_MINIMA(1, 64, 32, true, List.of(new Run(Short.BYTES, 2))),
    /** A signed byte for each block, times a float. Header: 16 floats; for each of eight blocks, 16 bytes. */
    BLOCK_BYTES(8, 192, 32, false, List.of(new Run(Float.BYTES, 1), new Run(1, 8))),
    /** A power of two for each block: a byte e stands for 2^(e - 128). Header: for each of four blocks, 16 bytes. */
    POWERS(4, 64, 32, false, List.of(new Run(1, 4))),
    /**
     * A float of 8 bits (E4M3, without a sign) for each half of a block, times a float. One bit further down, and with zeros behind it, it would be a
     * number in half precision, 256 times smaller than it is: that is what counts. Header: as that of BYTES.
     */
    SMALL_FLOATS(8, 320, 16, false, List.of(new Run(Float.BYTES, 1), new Run(1, 16))),
    /** A float for two blocks. Header: 16 floats. */
    FLOATS(2, 64, 32, false, List.of(new Run(Float.BYTES, 1))),
    /**
     * A scale in half precision and a zero, a signed byte, for each block; the zero is subtracted from its integers. Header: for each of four
     * blocks 16 scales; for each 16 zeros.
     */
    ZEROS_OF_ONE(4, 192, 32, false, List.of(new Run(Short.BYTES, 4), new Run(1, 4))),
    /** The same for two blocks each. Header: twice 16 scales; twice 16 zeros; 32 bytes of no use. */
    ZEROS_OF_TWO(4, 128, 32, false, List.of(new Run(Short.BYTES, 2), new Run(1, 4))),
    /** The same for all four blocks. Header: 16 scales; 16 zeros; 16 bytes of no use. */
    ZEROS_OF_FOUR(4, 64, 32, false, List.of(new Run(Short.BYTES, 1), new Run(1, 2)));

    /**
     * Numbers of one size, in a record's header.
     *
     * @param size 1, 2 or 4 bytes
     * @param count how many
     */
    record Run(int size, int count) {
    }

    private final int unitBlocks;
    private final int headerBytes;
    private final int columns;
    private final boolean minima;
    private final List<Run> header;

    Scales(int unitBlocks, int headerBytes, int columns, boolean minima, List<Run> header) {
        this.unitBlocks = unitBlocks;
        this.headerBytes = headerBytes;
        this.columns = columns;
        this.minima = minima;
        this.header = header;
    }

    /** Blocks that share a header. */
    int unitBlocks() {
        return unitBlocks;
    }

    /** Bytes of a header of 16 rows. */
    int headerBytes() {
        return headerBytes;
    }

    /** Columns that share a scale, and a minimum where there is one. */
    public int columns() {
        return columns;
    }

    /** Sums of a block that have scales of their own: 1 or 2. */
    public int each() {
        return TokenFormat.BLOCK / columns;
    }

    /** Whether with each scale there is a minimum, which is subtracted from each of the values. */
    public boolean minima() {
        return minima;
    }

    /** Whether with each scale there is a zero, which is subtracted from each of the integers. */
    public boolean zeros() {
        return this == ZEROS_OF_ONE || this == ZEROS_OF_TWO || this == ZEROS_OF_FOUR;
    }

    /** Blocks that share a scale and a zero, where there are zeros. */
    public int zeroBlocks() {
        return switch (this) {
            case ZEROS_OF_TWO -> 2;
            case ZEROS_OF_FOUR -> 4;
            default -> 1;
        };
    }

    /** Where in a header the zeros start, in bytes of 16 rows, where there are any. */
    public int zerosAt() {
        return unitBlocks / zeroBlocks() * WeightFormat.ROWS * Short.BYTES;
    }

    /** What a record's header begins with; the rest of a record are numbers of 4 bytes. */
    List<Run> header() {
        return header;
    }
}
