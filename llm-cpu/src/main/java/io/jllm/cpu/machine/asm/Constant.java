package io.jllm.cpu.machine.asm;

import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Numbers that kernels read from memory, each in all lanes of a vector: {@link #TABLE} has them in this order. */
public enum Constant {
    LOG2_E(1.44269504f),
    /** Added to a small float, leaves its nearest integer in the low bits. */
    ROUND(12_582_912f),
    /** -ln 2 in two parts, of which the first has few enough bits that its product with a small integer is exact. */
    LN2_HIGH(-0.693359375f), LN2_LOW(2.12194440e-4f),
    /** What the smallest and the largest argument of an exponential are. Of the former, the power of two becomes 0. */
    EXP_MIN(-88), EXP_MAX(88.3f),
    /** The polynomial of the Cephes library's expf (Moshier). */
    EXP_5(1.9875691500E-4f), EXP_4(1.3981999507E-3f), EXP_3(8.3334519073E-3f), EXP_2(4.1665795894E-2f), EXP_1(1.6666665459E-1f),
    EXP_0(5.0000001201E-1f),
    ONE(1), LOWEST(-Float.MAX_VALUE), NEGATIVE_INFINITY(Float.NEGATIVE_INFINITY),
    /** As an integer, what an exponent of 0 is stored as. */
    EXPONENT_BIAS(Float.intBitsToFloat(127)),
    /** As an integer. */
    LANES(Float.intBitsToFloat(WeightFormat.ROWS)),
    /** -sqrt(8 / pi), and what the cube of the argument counts for in GELU. */
    GELU(-1.5957691216f), GELU_CUBE(0.044715f);

    private static final int COUNT = values().length;
    private static final long BYTES = (COUNT + 3L) * WeightFormat.VECTOR;
    /** All of them, then the integers 0 to 15, then 16 of -1, then 16 of 0. */
    public static final MemorySegment TABLE = table();

    private final float value;

    Constant(float value) {
        this.value = value;
    }

    /** Where it is in the table. */
    public Mem in(Gpr table) {
        return Mem.at(table, ordinal() * WeightFormat.VECTOR);
    }

    /** The integers from 0 on, from a multiple of the lanes of a vector on. */
    public static Mem count(Gpr table, int from) {
        return Mem.at(table, COUNT * WeightFormat.VECTOR + from * Integer.BYTES);
    }

    /** As many integers of -1, then 0. */
    public static Mem ones(Gpr table, int count) {
        return Mem.at(table, (COUNT + 2) * WeightFormat.VECTOR - count * Integer.BYTES);
    }

    /** The address of as many integers of -1, then 0. */
    public static long ones(int count) {
        return TABLE.address() + (COUNT + 2L) * WeightFormat.VECTOR - (long) count * Integer.BYTES;
    }

    private static MemorySegment table() {
        MemorySegment all = Arena.ofAuto().allocate(BYTES, WeightFormat.VECTOR);
        int next = 0;
        for (Constant c : values()) {
            for (int lane = 0; lane < WeightFormat.ROWS; lane++) {
                all.setAtIndex(ValueLayout.JAVA_FLOAT, next++, c.value);
            }
        }
        for (int i = 0; i < WeightFormat.ROWS; i++) {
            all.setAtIndex(ValueLayout.JAVA_INT, next + i, i);
            all.setAtIndex(ValueLayout.JAVA_INT, next + WeightFormat.ROWS + i, -1);
        }
        return all;
    }
}
