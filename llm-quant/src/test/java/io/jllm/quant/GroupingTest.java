package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
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
        public List<MemorySegment> sources() {
            return List.of();
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

    /** Groups of every size, the last of them smaller too: the largest blocks that lie within groups. */
    @ParameterizedTest
    @CsvSource({"2, 128, 32, U2_32", "2, 192, 64, U2_64", "2, 256, 256, U2_128", "3, 96, 32, U3_32", "3, 128, 64, U3_64", "3, 256, 128, U3_128",
        "4, 160, 64, U4_32", "4, 128, 64, U4_64", "4, 384, 256, U4_128", "8, 128, 128, U8_32"})
    void blocksHaveTheSameValues(int bits, int cols, int size, DType type) {
        var random = new Random(7);
        Grouping plain = Grouping.of(bits, cols, size, DType.F16);
        var sample = new Sample(bits, cols, plain.groups(), true, random);
        var weights = new Grouped("w", "test", plain, sample, ROWS);
        GroupedBlocks blocks = GroupedBlocks.of(weights).orElseThrow();
        assertEquals(type, blocks.type());
        assertFalse(blocks.isOrdered());
        assertArrayEquals(values(weights), values(new Assembled("w", List.of(blocks))));
        assertArrayEquals(values(weights.rows(1, 2)), values(new Assembled("w", List.of(blocks.rows(1, 2)))));
    }

    /** Columns of groups that stand anywhere come together, each group's in order. */
    @Test
    void columnsComeIntoTheOrderOfTheirGroups() {
        var random = new Random(8);
        int cols = 192;
        List<Integer> groups = new ArrayList<>(IntStream.range(0, cols).mapToObj(c -> c / 64).toList());
        Collections.shuffle(groups, random);
        Grouping ordered = Grouping.of(4, cols, 64, DType.F16).ordered(groups.stream().mapToInt(g -> g).toArray(), 3);
        var weights = new Grouped("w", "test", ordered, new Sample(4, cols, 3, true, random), ROWS);
        GroupedBlocks blocks = GroupedBlocks.of(weights).orElseThrow();
        assertEquals(DType.U4_64, blocks.type());
        int[] order = blocks.order();
        float[] want = values(weights);
        float[] got = values(new Assembled("w", List.of(blocks)));
        for (int i = 0; i < got.length; i++) {
            int from = order[i % cols];
            assertEquals(want[i / cols * cols + from], got[i], "value " + i);
            assertEquals(i % cols / 64, groups.get(from));
            assertTrue(i % 64 == 0 || from > order[i % cols - 1]);
        }
        Collections.swap(groups, order[0], order[64]); // of the same sizes still
        groups.set(order[1], 1); // a group of 63 columns
        Grouping odd = Grouping.of(4, cols, 64, DType.F16).ordered(groups.stream().mapToInt(g -> g).toArray(), 3);
        assertTrue(GroupedBlocks.of(new Grouped("w", "test", odd, new Sample(4, cols, 3, true, random), ROWS)).isEmpty());
    }

    /** For backends that do not compute with them as they are stored. */
    @ParameterizedTest
    @CsvSource({"2, 64", "3, 128", "4, 32", "8, 128"})
    void allAreReadAsHalves(int bits, int size) {
        var random = new Random(9);
        Grouping plain = Grouping.of(bits, 256, size, DType.F16);
        var weights = new Grouped("w", "test", plain, new Sample(bits, 256, plain.groups(), true, random), ROWS);
        for (Weights w : List.of(weights, new Assembled("w", List.of(GroupedBlocks.of(weights).orElseThrow())))) {
            Weights read = Rounded.of(w, DType.F16);
            assertEquals(DType.F16, read.stored().orElseThrow());
            float[] want = values(weights);
            float[] got = values(read);
            for (int i = 0; i < want.length; i++) {
                assertEquals(Float.float16ToFloat(Float.floatToFloat16(want[i])), got[i], "value " + i);
            }
        }
    }

    private static float[] values(Weights w) {
        var all = new float[Math.toIntExact(w.rows() * w.cols())];
        w.decode(0, Math.toIntExact(w.rows()), all, 0);
        for (int i = 0; i < all.length; i++) {
            all[i] += 0f; // zeros without a sign
        }
        return all;
    }

    @Test
    void whatIsNoGroupingIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(5, 32, 32, DType.F16));
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(4, 32, 32, DType.Q8_0));
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(4, 2, 1, DType.F16).ordered(new int[] {0, 2}, 2));
        assertThrows(IllegalArgumentException.class, () -> Grouping.of(4, 2, 1, DType.F16).by(new float[8]));
    }
}
