package io.jllm.cpu.layout;

import static io.jllm.cpu.layout.TokenFormat.BYTES;
import static io.jllm.cpu.layout.TokenFormat.FLOATS;

/**
 * How weights lie in memory for products in machine code: rows in groups of {@value #ROWS}, columns in blocks of 32, blocks in
 * units. A unit is a header, with the scales of its blocks, and then its blocks. All of a group is one stream, in which vectors
 * begin with cache lines; a vector holds numbers of the same columns of 16 rows, row after row: 16 times 4 bytes, unless
 * something else is said. The last unit of a row may lack blocks, but not their place in the header.
 *
 * <p>"Bytes c" of a block means a vector with the bytes of columns c to c + 3 of each row, "nibbles c, d" one that holds columns
 * c to c + 3 in the low halves of its bytes and d to d + 3 in the high ones.
 */
public enum WeightFormat {
    /** Header: 16 scales in half precision for each block. Block: nibbles 0, 16 to nibbles 12, 28; the value is 8 less. */
    Q4_0(2, 64, 256, BYTES),
    /** Header: as Q4_0. Block: bytes 0 to 28, with 128 added. */
    Q8_0(2, 64, 512, BYTES),
    /**
     * Header: 16 scales d, 16 scales of minima, in half precision; three vectors of the 12 bytes with scales and minima as GGUF
     * packs them. Block: as Q4_0, but nothing is subtracted.
     */
    Q4_K(8, 256, 256, BYTES),
    /** Header and nibbles as Q4_K; then a vector of the fifth bits: bits 0 to 7 for columns 0, 4, 16, 20, 8, 12, 24, 28 (and on). */
    Q5_K(8, 256, 320, BYTES),
    /**
     * Header: 16 scales d in single precision; for each 16 columns, 16 signed bytes. Block: nibbles 0, 8 and 4, 12 and 16, 24 and 20, 28;
     * for each half, a vector with the upper two bits: bits 0 and 1 for its columns 0 to 3, and so on.
     */
    Q6_K(8, 320, 384, BYTES),
    /** For each column, 16 numbers of 2 bytes. */
    F16(1, 0, 1024, FLOATS),
    /** For each pair of columns, 16 pairs. */
    BF16(1, 0, 1024, FLOATS),
    /** For each column, 16 floats. */
    F32(1, 0, 2048, FLOATS);

    /** Rows of a group. */
    public static final int ROWS = 16;
    /** Bytes of a vector: one cache line. */
    public static final int VECTOR = 64;

    private final int unitBlocks;
    private final int headerBytes;
    private final int blockBytes;
    private final TokenFormat tokens;

    WeightFormat(int unitBlocks, int headerBytes, int blockBytes, TokenFormat tokens) {
        this.unitBlocks = unitBlocks;
        this.headerBytes = headerBytes;
        this.blockBytes = blockBytes;
        this.tokens = tokens;
    }

    /** What it is multiplied by. */
    public TokenFormat tokens() {
        return tokens;
    }

    /** Blocks of a unit. */
    public int unitBlocks() {
        return unitBlocks;
    }

    /** Bytes of a unit's header. */
    public int headerBytes() {
        return headerBytes;
    }

    /** Bytes of a block of {@link #ROWS} rows. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Bytes of a unit with so many blocks. */
    public int unitBytes(int blocks) {
        return headerBytes + blocks * blockBytes;
    }

    /** Bytes of a group of so many columns. */
    public long groupBytes(long cols) {
        long blocks = Math.ceilDiv(cols, TokenFormat.BLOCK);
        return Math.ceilDiv(blocks, unitBlocks) * headerBytes + blocks * blockBytes;
    }

    /** Bytes of so many rows and columns. */
    public long bytes(long rows, long cols) {
        return Math.multiplyExact(Math.ceilDiv(rows, ROWS), groupBytes(cols));
    }
}
