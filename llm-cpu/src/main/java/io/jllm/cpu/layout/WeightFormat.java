package io.jllm.cpu.layout;

import io.jllm.cpu.layout.Numbers.EightBits;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.Weights;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A format of weights that are rearranged when a model is loaded: one row of a table, from which all kernels are derived. To add one: a codec
 * (io.jllm.quant), a {@link Layout} for its stored blocks, and a constant here.
 *
 * <p>Weights lie in memory so: rows in groups of {@value #ROWS}, columns in blocks of 32, blocks in
 * units. A unit is a header, with the scales of its blocks, and then its blocks. All of a group is one stream, in which vectors
 * begin with cache lines; a vector holds numbers of the same columns of 16 rows, row after row: 16 times 4 bytes, unless
 * something else is said. The last unit of a row may lack blocks, but not their place in the header.
 *
 * <p>"Bytes c" of a block means a vector with the bytes of columns c to c + 3 of each row, "nibbles c, d" one that holds columns
 * c to c + 3 in the low halves of its bytes and d to d + 3 in the high ones. {@link Planes} and {@link Scales} say the rest.
 *
 * @param type how they are stored, with the geometry of stored blocks
 * @param numbers what they are
 * @param layout takes stored blocks apart
 */
public record WeightFormat(DType type, Numbers numbers, Layout layout) {
    /** Rows of a group. */
    public static final int ROWS = 16;
    /** Bytes of a vector: one cache line. */
    public static final int VECTOR = 64;

    private static final Planes TWO_BITS = new Planes(-2, 0, false);
    private static final Planes THREE_BITS = new Planes(-1, 0, false);
    private static final Planes FOUR_BITS = new Planes(0, 0, true);
    private static final Planes BYTES = new Planes(4, 128, false);

    /** Block: nibbles 0, 16 to nibbles 12, 28; the value is 8 less. */
    public static final WeightFormat Q4_0 = integers(DType.Q4_0, new Planes(0, 8, true), Scales.HALVES, SimpleLayout.NIBBLES);
    /** Block: as Q4_0, but nothing is subtracted. */
    public static final WeightFormat Q4_1 = nibbles(DType.Q4_1, new Planes(0, 0, true), Scales.HALVES_AND_MINIMA);
    /** Block: nibbles as Q4_0; then a vector of the fifth bits; the value is 16 less. */
    public static final WeightFormat Q5_0 = nibbles(DType.Q5_0, new Planes(1, 16, true), Scales.HALVES);
    /** Block: as Q5_0, but nothing is subtracted. */
    public static final WeightFormat Q5_1 = nibbles(DType.Q5_1, new Planes(1, 0, true), Scales.HALVES_AND_MINIMA);
    /** Block: bytes 0 to 28, with 128 added. */
    public static final WeightFormat Q8_0 = integers(DType.Q8_0, BYTES, Scales.HALVES, SimpleLayout.BYTES);
    /** Block: for each half, a vector of pairs of bits. */
    public static final WeightFormat Q2_K = integers(DType.Q2_K, new Planes(-2, 0, false), Scales.FOUR_BITS, TwoBitLayout.INSTANCE);
    /** Block: as Q2_K; then a vector of the third bits. */
    public static final WeightFormat Q3_K = integers(DType.Q3_K, new Planes(-1, 4, false), Scales.BYTES, ThreeBitLayout.INSTANCE);
    /** Block: as Q4_1. */
    public static final WeightFormat Q4_K = integers(DType.Q4_K, new Planes(0, 0, true), Scales.SIX_BITS, SuperLayout.FOUR_BITS);
    /** Block: as Q5_1. */
    public static final WeightFormat Q5_K = integers(DType.Q5_K, new Planes(1, 0, true), Scales.SIX_BITS, SuperLayout.FIVE_BITS);
    /** Block: nibbles 0, 8 and 4, 12 and 16, 24 and 20, 28; for each half, a vector with the upper two bits. */
    public static final WeightFormat Q6_K = integers(DType.Q6_K, new Planes(2, 32, false), Scales.BYTES, SixBitLayout.INSTANCE);
    /** Block: nibbles as Q4_0, but places in a table. */
    public static final WeightFormat IQ4_NL = integers(DType.IQ4_NL, new Planes(0, 128, true, CodeBook.LEVELS), Scales.HALVES, SimpleLayout.LEVELS);
    /** Block: as IQ4_NL. */
    public static final WeightFormat IQ4_XS = integers(DType.IQ4_XS, new Planes(0, 128, true, CodeBook.LEVELS), Scales.BLOCK_BYTES,
            LevelsLayout.INSTANCE);
    /** Block: as IQ4_NL, with another table. */
    public static final WeightFormat MXFP4 = nibbles(DType.MXFP4, new Planes(0, 16, true, CodeBook.TWICE_E2M1), Scales.POWERS);
    /** Block: as IQ4_NL, with a table of floats. */
    public static final WeightFormat NF4 = groups(DType.NF4, new Planes(0, 128, true, CodeBook.NF4), Scales.FLOATS);
    /** Block: nibbles 0, 8 and 4, 12 and 16, 24 and 20, 28, which are places in the table of MXFP4. */
    public static final WeightFormat E2M1_64 = integers(DType.E2M1_64, new Planes(0, 16, false, CodeBook.TWICE_E2M1), Scales.SMALL_FLOATS,
            SmallFloatLayout.INSTANCE);
    /** Block: as NF4. */
    public static final WeightFormat FP4 = groups(DType.FP4, new Planes(0, 128, true, CodeBook.FP4), Scales.FLOATS);
    /** Block: as Q8_0. */
    public static final WeightFormat S8_64 = groups(DType.S8_64, BYTES, Scales.FLOATS);
    public static final WeightFormat F16 = floats(DType.F16, Floats.F16);
    public static final WeightFormat BF16 = floats(DType.BF16, Floats.BF16);
    public static final WeightFormat F32 = floats(DType.F32, Floats.F32);
    /** Floats as they are used, but for their scale. */
    public static final WeightFormat F8_64 = new WeightFormat(DType.F8_64, new EightBits(), FloatLayout.Eights.INSTANCE);

    /** Blocks: of two bits as Q2_K, of three as Q3_K, of four as Q4_1, of eight as Q8_0. */
    private static final List<WeightFormat> ZEROS = List.of(
            groups(DType.U2_32, TWO_BITS, Scales.ZEROS_OF_ONE), groups(DType.U2_64, TWO_BITS, Scales.ZEROS_OF_TWO),
            groups(DType.U2_128, TWO_BITS, Scales.ZEROS_OF_FOUR), groups(DType.U3_32, THREE_BITS, Scales.ZEROS_OF_ONE),
            groups(DType.U3_64, THREE_BITS, Scales.ZEROS_OF_TWO), groups(DType.U3_128, THREE_BITS, Scales.ZEROS_OF_FOUR),
            groups(DType.U4_32, FOUR_BITS, Scales.ZEROS_OF_ONE), groups(DType.U4_64, FOUR_BITS, Scales.ZEROS_OF_TWO),
            groups(DType.U4_128, FOUR_BITS, Scales.ZEROS_OF_FOUR), groups(DType.U8_32, BYTES, Scales.ZEROS_OF_ONE));
    private static final List<WeightFormat> ALL = Stream.concat(Stream.of(Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL,
            IQ4_XS, MXFP4, NF4, FP4, E2M1_64, S8_64, F16, BF16, F32, F8_64), ZEROS.stream()).toList();
    private static final Map<DType, WeightFormat> BY_TYPE = ALL.stream().collect(Collectors.toMap(WeightFormat::type, Function.identity()));

    private static WeightFormat integers(DType type, Planes planes, Scales scales, Layout layout) {
        return new WeightFormat(type, new Integers(planes, scales), layout);
    }

    private static WeightFormat nibbles(DType type, Planes planes, Scales scales) {
        return integers(type, planes, scales, new NibbleLayout(type, planes, scales));
    }

    private static WeightFormat groups(DType type, Planes planes, Scales scales) {
        return integers(type, planes, scales, new GroupLayout(type, planes, scales));
    }

    private static WeightFormat floats(DType type, Floats floats) {
        return new WeightFormat(type, floats, new FloatLayout(floats));
    }

    /** The format of what is stored so; empty if it is not rearranged. */
    public static Optional<WeightFormat> of(DType type) {
        return Optional.ofNullable(BY_TYPE.get(type));
    }

    /** The format of weights; empty if they are not rearranged. */
    public static Optional<WeightFormat> of(Weights w) {
        return arranged(w).stored().flatMap(WeightFormat::of);
    }

    /** What of weights is rearranged: themselves, or blocks that they are as well, whose columns stand in another order. */
    public static Weights arranged(Weights w) {
        return w instanceof Grouped g && g.blocks().isPresent() ? new Assembled(g.name(), List.of(g.blocks().get())) : w;
    }

    /** All that there are. */
    public static List<WeightFormat> all() {
        return ALL;
    }

    /** What all of them are stored in. */
    public static List<DType> types() {
        return ALL.stream().map(WeightFormat::type).toList();
    }

    /** As a user would name it. */
    public String name() {
        return type.name();
    }

    /** What machine code multiplies it by. */
    public TokenFormat tokens() {
        return numbers.tokens();
    }

    /** Blocks of a unit. */
    public int unitBlocks() {
        return numbers.unitBlocks();
    }

    /** Columns of a unit. */
    public int unitColumns() {
        return unitBlocks() * TokenFormat.BLOCK;
    }

    /** Bytes of a unit's header. */
    public int headerBytes() {
        return numbers.headerBytes();
    }

    /** Bytes of a block of {@link #ROWS} rows. */
    public int blockBytes() {
        return numbers.blockBytes();
    }

    /** Bytes of a unit with so many blocks. */
    public int unitBytes(int blocks) {
        return headerBytes() + blocks * blockBytes();
    }

    /** Where a block is, in bytes from the start of the unit from whose first block on they are counted. */
    public long blockAt(int block) {
        return (long) (block / unitBlocks()) * unitBytes(unitBlocks()) + headerBytes() + (long) (block % unitBlocks()) * blockBytes();
    }

    /** Bytes of a group of so many columns. */
    public long groupBytes(long cols) {
        long blocks = Math.ceilDiv(cols, TokenFormat.BLOCK);
        return Math.ceilDiv(blocks, unitBlocks()) * headerBytes() + blocks * blockBytes();
    }

    /** Bytes of so many rows and columns. */
    public long bytes(long rows, long cols) {
        return Math.multiplyExact(Math.ceilDiv(rows, ROWS), groupBytes(cols));
    }

    @Override
    public String toString() {
        return name();
    }
}
