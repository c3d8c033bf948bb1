package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights from several places, and in other forms than they are stored in. */
class AssembledTest {
    private static Tensor floats(String name, int rows, int cols) {
        MemorySegment data = Arena.ofAuto().allocate(4L * rows * cols);
        for (int i = 0; i < rows * cols; i++) {
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
        }
        return new Tensor(name, DType.F32, rows, cols, data);
    }

    private static float[] rows(Weights w, int row, int count) {
        var out = new float[(int) (count * w.cols())];
        w.decode(row, count, out, 0);
        return out;
    }

    @Test
    void rowsOfSeveralTensorsFollowEachOther() {
        var both = new Assembled("both", List.of(floats("a", 2, 3), floats("b", 4, 3)));
        assertEquals(6, both.rows());
        assertArrayEquals(new float[] {3, 4, 5, 0, 1, 2}, rows(both, 1, 2));
        assertTrue(both.slice(0, 2).isPresent());
        assertTrue(both.slice(1, 2).isEmpty());
        assertArrayEquals(rows(both, 0, 6), rows(both.copied(), 0, 6));
        String message = assertThrows(IllegalArgumentException.class,
                () -> new Assembled("odd", List.of(floats("a", 2, 3), floats("b", 2, 4)))).getMessage();
        assertEquals("parts of odd must be alike: the first is F32 with 3 columns, number 2 is F32 with 4", message);
    }

    /** A matrix with inputs as rows, every other column of it, and every other row. */
    @Test
    void valuesAtEqualDistances() {
        Tensor t = floats("t", 3, 4);
        assertArrayEquals(new float[] {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}, rows(new Assembled("x", List.of(new Strided(t, 0, 4, 1, 3, 4))), 0, 4));
        assertArrayEquals(new float[] {1, 5, 9, 3, 7, 11}, rows(new Assembled("x", List.of(new Strided(t, 1, 2, 2, 3, 4))), 0, 2));
        assertArrayEquals(new float[] {1, 3, 5, 7, 9, 11}, rows(new Assembled("x", List.of(new Strided(t, 1, 3, 4, 2, 2))), 0, 3));
        assertArrayEquals(new float[] {9, 11}, rows(new Assembled("x", List.of(new Strided(t, 1, 3, 4, 2, 2))), 2, 1));
        assertTrue(new Assembled("x", List.of(new Strided(t, 1, 3, 4, 2, 2))).slice(0, 1).isEmpty());
        for (Runnable bad : List.<Runnable>of(() -> new Strided(t, 0, 5, 1, 3, 4), () -> new Strided(t, 1, 4, 1, 3, 4),
                () -> new Strided(t, -1, 1, 1, 1, 1), () -> new Strided(t, 0, 0, 1, 1, 1))) {
            assertThrows(IllegalArgumentException.class, bad::run);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
    void valuesOfEverySizeAreCopied(DType type) {
        var values = new float[12];
        for (int i = 0; i < 12; i++) {
            values[i] = i - 3;
        }
        byte[] stored = Hex.encode(type, values);
        MemorySegment data = Arena.ofAuto().allocate(stored.length);
        data.copyFrom(MemorySegment.ofArray(stored));
        var x = new Assembled("x", List.of(new Strided(new Tensor("t", type, 3, 4, data), 0, 4, 1, 3, 4)));
        assertEquals(type, x.type());
        assertArrayEquals(new float[] {-3, 1, 5, -2, 2, 6, -1, 3, 7, 0, 4, 8}, rows(x.copied(), 0, 4));
    }

    @Test
    void blocksAreNotTakenApart() {
        var blocks = new Tensor("q", DType.Q8_0, 1, 32, Arena.ofAuto().allocate(34));
        String message = assertThrows(IllegalArgumentException.class, () -> new Strided(blocks, 0, 1, 1, 1, 1)).getMessage();
        assertEquals("tensor q is stored as Q8_0, whose values stand in blocks: it cannot be taken apart", message);
    }

    /** By the definition: a value is its nibble's, times two to the power of its block. Gate and up take turns by rows. */
    @Test
    void splitBlocksAreMxfp4() {
        float[] fours = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
        int rows = 6;
        int blocksOfRow = 2;
        var random = new Random(2);
        MemorySegment blocks = Arena.ofAuto().allocate(16L * rows * blocksOfRow);
        MemorySegment scales = Arena.ofAuto().allocate((long) rows * blocksOfRow);
        for (long i = 0; i < blocks.byteSize(); i++) {
            blocks.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        for (long i = 0; i < scales.byteSize(); i++) {
            scales.set(ValueLayout.JAVA_BYTE, i, (byte) (120 + random.nextInt(12)));
        }
        var b = new Tensor("b", DType.I8, (long) rows * blocksOfRow, 16, blocks);
        var s = new Tensor("s", DType.I8, rows, blocksOfRow, scales);
        var second = new Assembled("up", List.of(new SplitBlocks(b, s, 1, 3, 2, 64)));
        assertEquals(DType.MXFP4, second.type());
        float[] got = rows(second, 0, 3);
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 64; c++) {
                int block = (2 * r + 1) * blocksOfRow + c / 32;
                int nibble = blocks.get(ValueLayout.JAVA_BYTE, block * 16L + c % 32 / 2) >> c % 2 * 4 & 15;
                double want = fours[nibble & 7] * (nibble > 7 ? -1 : 1) * Math.pow(2, (scales.get(ValueLayout.JAVA_BYTE, block) & 0xff) - 127);
                assertEquals(want, got[r * 64 + c], 0, "row " + r + ", column " + c);
            }
        }
        assertArrayEquals(got, rows(second.copied(), 0, 3));
        assertThrows(IllegalArgumentException.class, () -> new SplitBlocks(b, s, 1, 4, 2, 64));
        assertThrows(IllegalArgumentException.class, () -> new SplitBlocks(b, s, 0, 3, 2, 48));
    }
}
