package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows of whole numbers in groups, of every size, and the blocks that they become. */
class GroupingTest {
    private static final int ROWS = 3;

    /** Random numbers of some grouping. */
    private static final class Sample implements Grouped.Numbers {
        private final byte[][] numbers;
        private final float[][] scales;
        private final byte[][] zeros;

        Sample(int bits, int cols, int groups, boolean halves, Random random) {
            numbers = new byte[ROWS][cols];
            scales = new float[ROWS][groups];
            zeros = new byte[ROWS][groups];
            for (int r = 0; r < ROWS; r++) {
                for (int c = 0; c < cols; c++) {
                    numbers[r][c] = (byte) random.nextInt(1 << bits);
                }
                for (int g = 0; g < groups; g++) {
                    float scale = random.nextFloat() + 0.01f;
                    scales[r][g] = halves ? Float.float16ToFloat(Float.floatToFloat16(scale)) : scale;
                    zeros[r][g] = (byte) random.nextInt(1 << bits);
                }
            }
        }

        @Override
        public void numbers(long row, byte[] to) {
            System.arraycopy(numbers[(int) row], 0, to, 0, to.length);
        }

        @Override
        public void scales(long row, float[] to) {
            System.arraycopy(scales[(int) row], 0, to, 0, to.length);
        }

        @Override
        public void zeros(long row, byte[] to) {
            System.arraycopy(zeros[(int) row], 0, to, 0, to.length);
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 64, 32", "3, 96, 32", "3, 35, 7", "4, 128, 32", "4, 96, 96", "4, 64, 8", "4, 33, 11", "8, 64, 32", "8, 5, 2"})
    void rows(int bits, int cols, int size) {
        var random = new Random(bits * 1000 + cols);
        Grouping plain = Grouping.of(bits, cols, size, DType.F32);
        var order = random.ints(cols, 0, plain.groups()).toArray();
        order[0] = plain.groups() - 1;
        var sample = new Sample(bits, cols, plain.groups(), false, random);
        for (Grouping g : new Grouping[] {plain, plain.ordered(order, plain.groups())}) {
            var weights = new Grouped("w", "test", g, sample, ROWS);
            var values = new float[ROWS * cols];
            weights.decode(0, ROWS, values, 0);
            for (int i = 0; i < values.length; i++) {
                int r = i / cols;
                int group = g.isPlain() ? i % cols / size : order[i % cols];
                float want = ((sample.numbers[r][i % cols] & 0xFF) - (sample.zeros[r][group] & 0xFF)) * sample.scales[r][group];
                assertEquals(want, values[i], "value " + i);
            }
            assertEquals(0, GroupedBlocks.of(weights).stream().count(), "scales are no halves");
        }
    }

    @Test
    void blocksHaveTheSameValues() {
        var random = new Random(7);
        var weights = new Grouped("w", "test", Grouping.of(4, 128, 64, DType.F16), new Sample(4, 128, 2, true, random), ROWS);
        GroupedBlocks blocks = GroupedBlocks.of(weights).orElseThrow();
        assertEquals(DType.Q5_0, blocks.type());
        var want = new float[ROWS * 128];
        var got = new float[ROWS * 128];
        weights.decode(0, ROWS, want, 0);
        new Assembled("w", List.of(blocks)).decode(0, ROWS, got, 0);
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i] + 0f, "value " + i);
        }
    }

    @Test
    void whatIsNoGroupingIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(5, 32, 32, DType.F16));
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(4, 32, 32, DType.Q8_0));
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(4, 2, 1, DType.F16).ordered(new int[] {0, 2}, 2));
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(4, 2, 1, DType.F16).by(new float[8]));
    }
}
