package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.S;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.layout.CodeBook;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.os.CpuInfo;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Weights that are places in a {@link CodeBook}, made bytes with 128 added, as {@link WeightFormat#Q8_0} has them; and sums of products of such
 * bytes and a single token.
 */
final class VectorCodes {
    /** What is added to numbers, to make them unsigned. */
    static final int ADDED = 128;
    /** As wide as others; but where no instruction permutes bytes of 512 bits, the JVM takes a hundred times as long for these. */
    private static final VectorSpecies<Byte> C = VectorSpecies.of(byte.class, F.vectorBitSize() < 512 || CpuInfo.permutesBytes() ? F.vectorShape()
            : VectorShape.S_256_BIT);
    private static final byte[][] TABLES = Arrays.stream(CodeBook.values()).map(b -> Arrays.copyOf(b.bytes(ADDED), C.length()))
            .toArray(byte[][]::new);
    private static final long LINE = WeightFormat.VECTOR;
    private static final byte NIBBLE = 15;
    private static final short BYTE = 0xff;
    /** What is too much in the sums of a block of bytes: half of the range of 16 bits in each of 8 pairs. */
    private static final int MIDDLES = 16 << 15;
    private static final int WORDS = 8;

    private VectorCodes() {
    }

    /**
     * Looks up a block: vectors "nibbles" become twice as many "bytes".
     *
     * @param block where the block is, or the strip's place in its first vector
     * @param width bytes of each vector that are wanted: those of all rows, or of a strip
     * @param to where the vectors of bytes go, each so wide
     */
    static void lookUp(CodeBook book, MemorySegment w, long block, int width, MemorySegment m, long to) {
        ByteVector values = ByteVector.fromArray(C, TABLES[book.ordinal()], 0);
        long high = (long) Planes.NIBBLES * width;
        for (int i = 0; i < width; i += C.length()) {
            long from = block + i;
            long at = to + i;
            ByteVector v = ByteVector.fromMemorySegment(C, w, from, LITTLE_ENDIAN);
            v.and(NIBBLE).selectFrom(values).intoMemorySegment(m, at, LITTLE_ENDIAN);
            v.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(values)
                    .intoMemorySegment(m, at + high, LITTLE_ENDIAN);
            v = ByteVector.fromMemorySegment(C, w, from + LINE, LITTLE_ENDIAN);
            v.and(NIBBLE).selectFrom(values).intoMemorySegment(m, at + width, LITTLE_ENDIAN);
            v.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(values)
                    .intoMemorySegment(m, at + high + width, LITTLE_ENDIAN);
            v = ByteVector.fromMemorySegment(C, w, from + 2 * LINE, LITTLE_ENDIAN);
            v.and(NIBBLE).selectFrom(values).intoMemorySegment(m, at + 2L * width, LITTLE_ENDIAN);
            v.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(values)
                    .intoMemorySegment(m, at + high + 2L * width, LITTLE_ENDIAN);
            v = ByteVector.fromMemorySegment(C, w, from + 3 * LINE, LITTLE_ENDIAN);
            v.and(NIBBLE).selectFrom(values).intoMemorySegment(m, at + 3L * width, LITTLE_ENDIAN);
            v.reinterpretAsShorts().lanewise(VectorOperators.LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(values)
                    .intoMemorySegment(m, at + high + 3L * width, LITTLE_ENDIAN);
        }
    }

    /**
     * Sums of products of a strip's blocks and a token: an int for each row. Two products fit 16 bits, so sums of four columns, made larger by half
     * of the range, are added up in 32: all of a lane, and its upper half by itself; the one less the other is the lower half.
     *
     * @param at where the first block's vectors of bytes are
     * @param x for each four columns of the token, pairs at the first two
     * @param fours at the first, what their sums begin with
     * @param first block
     * @param to where sums go, a vector for each block
     */
    static void sums(MemorySegment m, long at, int[] x, int[] fours, int first, int blocks, long to) {
        for (int b = 0; b < blocks; b++) {
            IntVector both = IntVector.broadcast(I, -MIDDLES);
            IntVector upper = IntVector.zero(I);
            for (int j = 0; j < WORDS; j++) {
                ShortVector v = ShortVector.fromMemorySegment(S, m, at + (long) (b * WORDS + j) * V, LITTLE_ENDIAN);
                int i = 4 * (WORDS * (first + b) + j);
                IntVector s = IntVector.broadcast(I, fours[i]).reinterpretAsShorts()
                        .add(v.and(BYTE).mul(IntVector.broadcast(I, x[i]).reinterpretAsShorts()))
                        .add(v.lanewise(VectorOperators.LSHR, 8).mul(IntVector.broadcast(I, x[i + 1]).reinterpretAsShorts()))
                        .reinterpretAsInts();
                both = both.add(s);
                upper = upper.add(s.lanewise(VectorOperators.LSHR, Short.SIZE));
            }
            both.sub(upper.lanewise(VectorOperators.LSHL, Short.SIZE)).add(upper).intoMemorySegment(m, to + (long) b * V, LITTLE_ENDIAN);
        }
    }
}
