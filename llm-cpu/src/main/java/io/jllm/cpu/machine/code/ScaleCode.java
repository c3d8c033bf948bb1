package io.jllm.cpu.machine.code;

import static io.jllm.cpu.machine.asm.Gpr.RSP;
import static io.jllm.cpu.machine.asm.Mem.at;
import static io.jllm.cpu.machine.asm.Simd.*;

import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.asm.Assembler;
import io.jllm.cpu.machine.asm.Emitter;
import io.jllm.cpu.machine.asm.Mem;
import java.util.List;

/**
 * How {@link Scales} become a float for each row: where that is one load, when a block needs it; scales and minima of 6 bits once a unit, to
 * the stack, because four bytes of them lie in one vector, and taking them apart costs as much for one block as for all eight:
 *
 * <pre>{@code
 * low  = word & 0x3f3f3f3f                                    // blocks 0 to 3, a byte each
 * high = (rest & 0x0f0f0f0f) | (word >> 2 & 0x30303030)       // blocks 4 to 7: four bits here, two above those of others
 * for each block: stack[block] = float(byte of low or high) * d
 * }</pre>
 *
 * <p>Where a byte has a scale and a minimum of half of a block, only what these are multiplied by goes there.
 *
 * @param scales what they are
 * @param unit what a scale in single precision is multiplied by: what a whole number of a table counts as
 * @param bySums whether minima of halves of blocks become an eighth of themselves, for products with what tokens have of these: eight times the
 *     sum of their bytes
 */
record ScaleCode(Scales scales, float unit, boolean bySums) {
    /** Bytes on the stack for what is computed once a unit, behind the constants. */
    static final int STACK_BYTES = 16 * WeightFormat.VECTOR;
    private static final int BLOCKS = 8;
    private static final int SIX = 0x3f3f3f3f;
    private static final int LOW = 0x0f0f0f0f;
    private static final int UPPER_TWO_OF_SIX = 0x30303030;
    private static final int BYTE = 0xff;
    private static final int NIBBLE = 4;
    private static final int PART_OF_SUM = Float.floatToRawIntBits(1f / TokenFormat.SUM_FACTOR);
    private static final int EXPONENT_AT = 23;
    /** From a float of 8 bits without its sign to the bits of one in half precision. */
    private static final int TO_HALF = 7;
    /** The bits of the least float that has all of its bits, and of half of it. */
    private static final int LEAST_NORMAL = 1 << EXPONENT_AT;
    private static final int HALF_OF_IT = LEAST_NORMAL >> 1;

    List<Integer> constants() {
        return switch (scales) {
            case HALVES, HALVES_AND_MINIMA, BYTES, BLOCK_BYTES, SMALL_FLOATS, ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> List.of();
            case FLOATS -> unit == 1 ? List.of() : List.of(Float.floatToRawIntBits(unit));
            case SIX_BITS -> List.of(LOW, SIX, UPPER_TWO_OF_SIX, BYTE);
            case FOUR_BITS -> bySums ? List.of(PART_OF_SUM) : List.of();
            case POWERS -> List.of(LEAST_NORMAL, HALF_OF_IT);
        };
    }

    /**
     * Scales of a block, or of its half {@code sub}, to a register; {@code part} says where in a vector to begin. Where scales are those of
     * whole blocks, the next register is worked with.
     */
    void factor(Emitter e, int to, int block, int sub, int part) {
        switch (scales) {
            case HALVES, HALVES_AND_MINIMA -> e.halves(to, BlockCode.weights(0, (block * WeightFormat.VECTOR + part) / 2));
            case SIX_BITS -> e.load(to, slot(block, false, part));
            case BYTES, BLOCK_BYTES -> {
                e.assembler().emit(VPMOVSXBD, e.vec(to), bytes(WeightFormat.VECTOR, block, sub, part));
                e.toFloats(to);
                e.multiply(to, to, BlockCode.weights(0, part));
            }
            case SMALL_FLOATS -> {
                e.halvesOfBytes(to, bytes(WeightFormat.VECTOR, block, sub, part), TO_HALF);
                e.multiply(to, to, BlockCode.weights(0, part));
            }
            case FOUR_BITS -> fourBits(e, to, block, sub, false, part);
            case POWERS -> power(e, to, bytes(0, block, sub, part));
            case FLOATS -> {
                e.load(to, BlockCode.weights(0, part));
                if (unit != 1) {
                    e.multiply(to, to, e.constant(Float.floatToRawIntBits(unit)));
                }
            }
            case ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR ->
                    e.halves(to, BlockCode.weights(0, (block / scales.zeroBlocks() * WeightFormat.VECTOR + part) / 2));
        }
    }

    /** Zeros of a block, as floats, to a register. */
    void zero(Emitter e, int to, int block, int part) {
        e.assembler().emit(VPMOVSXBD, e.vec(to), bytes(scales.zerosAt(), block / scales.zeroBlocks(), 0, part));
        e.toFloats(to);
    }

    /** Minima of a block, or of its half {@code sub}, to a register. */
    void minimum(Emitter e, int to, int block, int sub, int part) {
        switch (scales) {
            case HALVES_AND_MINIMA -> e.halves(to, BlockCode.weights(0, (WeightFormat.VECTOR + part) / 2));
            case SIX_BITS -> e.load(to, slot(block, true, part));
            case FOUR_BITS -> fourBits(e, to, block, sub, true, part);
            case HALVES, BYTES, BLOCK_BYTES, POWERS, SMALL_FLOATS, FLOATS, ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR ->
                    throw new IllegalStateException(scales + " have no minima");
        }
    }

    /** A byte for each row, of those of a block or of its half {@code sub}, the first of which are at {@code start}. */
    private Mem bytes(int start, int block, int sub, int part) {
        return BlockCode.weights(0, start + (block * scales.each() + sub) * WeightFormat.ROWS + part / Integer.BYTES);
    }

    /** Four bits of a byte for each row, the upper ones for a minimum, times what is on the stack: shifts leave registers to constants. */
    private void fourBits(Emitter e, int to, int block, int sub, boolean minimum, int part) {
        e.assembler().emit(VPMOVSXBD, e.vec(to), bytes(WeightFormat.VECTOR, block, sub, part));
        e.assembler().emit(VPSLLD, e.vec(to), e.vec(to), Integer.SIZE - (minimum ? 2 : 1) * NIBBLE);
        e.assembler().emit(VPSRLD, e.vec(to), e.vec(to), Integer.SIZE - NIBBLE);
        e.toFloats(to);
        e.multiply(to, to, slot(0, minimum, part));
    }

    /**
     * 2^(b - 128) of bytes b. As exponents of floats they give twice as much; half of it is one less in the exponent, but for the smallest, whose
     * bits are shifted right. Uses the next register too.
     */
    private static void power(Emitter e, int to, Mem bytes) {
        Assembler a = e.assembler();
        a.emit(VPMOVZXBD, e.vec(to), bytes);
        a.emit(VPSLLD, e.vec(to), e.vec(to), EXPONENT_AT);
        a.emit(VPMAXSD, e.vec(to), e.vec(to), e.constant(HALF_OF_IT));
        a.emit(VPSRLD, e.vec(to + 1), e.vec(to), 1);
        a.emit(VPMINSD, e.vec(to + 1), e.vec(to + 1), e.constant(LEAST_NORMAL));
        a.emit(VPSUBD, e.vec(to), e.vec(to), e.vec(to + 1));
    }

    private static Mem slot(int block, boolean minimum, int part) {
        return at(RSP, Emitter.CONSTANT_BYTES + (block * 2 + (minimum ? 1 : 0)) * WeightFormat.VECTOR + part);
    }

    /** At the start of a unit, while only the sums before register {@code free} are in use: computes what is best computed for all blocks. */
    void prepare(Emitter e, int free, int part) {
        switch (scales) {
            case HALVES, HALVES_AND_MINIMA, BYTES, BLOCK_BYTES, POWERS, SMALL_FLOATS, FLOATS, ZEROS_OF_ONE, ZEROS_OF_TWO, ZEROS_OF_FOUR -> { }
            case SIX_BITS -> sixBits(e, free, part);
            case FOUR_BITS -> {
                for (int minimum = 0; minimum < 2; minimum++) {
                    e.halves(free, BlockCode.weights(0, (minimum * WeightFormat.VECTOR + part) / 2));
                    if (minimum == 1 && bySums) {
                        e.multiply(free, free, e.constant(PART_OF_SUM));
                    }
                    e.assembler().emit(VMOVUPS_STORE, slot(0, minimum == 1, part), e.vec(free));
                }
            }
        }
    }

    private static void sixBits(Emitter e, int free, int part) {
        for (int minimum = 0; minimum < 2; minimum++) {
            int factor = free;
            int first = free + 1;
            int last = free + 2;
            int byteOfIt = free + 3;
            e.halves(factor, BlockCode.weights(0, (minimum * WeightFormat.VECTOR + part) / 2));
            e.load(first, word(minimum, part));
            e.shift(byteOfIt, first, -2);
            e.and(first, first, SIX);
            e.load(last, word(2, part));
            if (minimum == 1) {
                e.shift(last, last, -NIBBLE);
            }
            e.and(last, last, LOW);
            e.orAnd(last, byteOfIt, UPPER_TWO_OF_SIX);
            for (int b = 0; b < BLOCKS; b++) {
                int from = b < BLOCKS / 2 ? first : last;
                int bits = b % Integer.BYTES * Byte.SIZE;
                if (bits > 0) {
                    e.assembler().emit(VPSRLD, e.vec(byteOfIt), e.vec(from), bits);
                }
                if (bits < Integer.SIZE - Byte.SIZE) {
                    e.and(byteOfIt, bits > 0 ? byteOfIt : from, BYTE);
                }
                e.toFloats(byteOfIt);
                e.multiply(byteOfIt, byteOfIt, e.vec(factor));
                e.assembler().emit(VMOVUPS_STORE, slot(b, minimum == 1, part), e.vec(byteOfIt));
            }
        }
    }

    private static Mem word(int i, int part) {
        return BlockCode.weights(0, (1 + i) * WeightFormat.VECTOR + part);
    }
}
