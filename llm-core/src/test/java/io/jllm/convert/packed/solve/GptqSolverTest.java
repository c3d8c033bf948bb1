package io.jllm.convert.packed.solve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.algebra.Symmetric;
import io.jllm.quant.safetensors.GroupNumbers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Small matrices, number by number as {@link PlainGptq} makes them. */
class GptqSolverTest {
    private static final int TOKENS = 700;

    private final Parallel parallel = new Parallel(2);

    @AfterEach
    void close() {
        parallel.close();
    }

    private record Given(double[][] weights) implements WeightRows {
        @Override
        public int rows() {
            return weights.length;
        }

        @Override
        public int cols() {
            return weights[0].length;
        }

        @Override
        public void read(int row, double[] to) {
            System.arraycopy(weights[row], 0, to, 0, to.length);
        }
    }

    private static Given weights(int rows, int cols) {
        var random = new Random(rows * 1000 + cols);
        var weights = new double[rows][cols];
        for (double[] row : weights) {
            for (int i = 0; i < cols; i++) {
                row[i] = (float) (random.nextGaussian() * 0.05);
            }
        }
        return new Given(weights);
    }

    /** Inputs that hang together, some larger than others. */
    private static float[] inputs(int cols) {
        var random = new Random(cols);
        var inputs = new float[TOKENS * cols];
        for (int t = 0; t < TOKENS; t++) {
            double common = random.nextGaussian();
            for (int i = 0; i < cols; i++) {
                inputs[t * cols + i] = (float) ((random.nextGaussian() + common) * (1 + i * 31 % 17));
            }
        }
        return inputs;
    }

    private Moments moments(int cols) throws IOException {
        var moments = new Moments(cols);
        MemorySegment all = MemorySegment.ofArray(inputs(cols));
        moments.add(all, 300, parallel);
        moments.add(all.asSlice(300L * cols * Float.BYTES), TOKENS - 300, parallel);
        return moments;
    }

    private static double[][] full(Symmetric matrix) {
        return matrix.block(0, matrix.size());
    }

    /** The sum of squares of what products differ by, over the inputs. */
    private double loss(Given weights, GroupNumbers numbers) throws IOException {
        int cols = weights.cols();
        var errors = new double[cols][weights.rows()];
        var row = new float[cols];
        for (int r = 0; r < weights.rows(); r++) {
            numbers.decode(r, row);
            for (int i = 0; i < cols; i++) {
                errors[i][r] = row[i] - weights.weights[r][i];
            }
        }
        return moments(cols).meanSquares(parallel).quadratic(errors, parallel);
    }

    @ParameterizedTest
    @CsvSource({
        "4, 128, true, false, false", "4, 32, true, true, false", "4, 64, false, true, true", "4, -1, false, true, false",
        "3, 32, false, false, false", "3, -1, true, false, false", "2, 32, true, true, false", "2, 64, false, false, true",
        "8, 128, true, false, false", "8, 32, false, true, true", "4, 160, true, true, false", "4, 320, false, false, false"})
    void numberByNumber(int bits, int group, boolean symmetric, boolean actOrder, boolean fixed) throws IOException {
        Given weights = weights(70, 320);
        int size = group == -1 ? 320 : group;
        double[][] h = full(moments(320).meanSquares(parallel));
        PlainGptq.Result want = new PlainGptq(bits, symmetric).round(weights.weights, h, size, actOrder, fixed, 0.01);
        GptqSolver solver = GptqSolver.of(moments(320).meanSquares(parallel), actOrder, 0.01, parallel).orElseThrow();
        GroupNumbers got = solver.round(weights, new GptqSolver.Groups(new Rounding(bits, symmetric), size, fixed), parallel);
        assertArrayEquals(want.groupOf(), got.groupOf());
        assertEquals(actOrder && !fixed && size < 320, IntStream.range(1, 320).anyMatch(c -> got.groupOf()[c] < got.groupOf()[c - 1]));
        int groups = got.groups();
        for (int r = 0; r < 70; r++) {
            for (int g = 0; g < groups; g++) {
                assertEquals(want.scales()[r][g], got.scales()[r * groups + g], "scale, row " + r + ", group " + g);
                assertEquals(want.zeros()[r][g], got.zeros()[r * groups + g] & 0xFF, "zero, row " + r + ", group " + g);
            }
            for (int c = 0; c < 320; c++) {
                assertEquals(want.numbers()[r][c], got.numbers()[r * 320 + c] & 0xFF, "row " + r + ", column " + c);
            }
        }
        GroupNumbers nearest = Nearest.round(weights, new Rounding(bits, symmetric), size, parallel);
        double ratio = loss(weights, got) / loss(weights, nearest);
        assertTrue(ratio < 0.9, "products differ " + ratio + " times as much as of weights rounded to nearest");
    }

    @Test
    void columnsThatNoInputMeetsBecomeNothing() throws IOException {
        var moments = new Moments(64);
        float[] inputs = inputs(64);
        IntStream.range(0, TOKENS).forEach(t -> inputs[t * 64 + 9] = 0);
        moments.add(MemorySegment.ofArray(inputs), TOKENS, parallel);
        GptqSolver solver = GptqSolver.of(moments.meanSquares(parallel), true, 0.01, parallel).orElseThrow();
        GroupNumbers got = solver.round(weights(32, 64), new GptqSolver.Groups(new Rounding(4, false), 32, false), parallel);
        var row = new float[64];
        for (int r = 0; r < 32; r++) {
            got.decode(r, row);
            assertEquals(0, row[9]);
        }
    }

    @Test
    void inputsThatAreNotFiniteAreOfNoUse() throws IOException {
        var moments = new Moments(32);
        float[] inputs = inputs(32);
        inputs[77] = Float.NaN;
        moments.add(MemorySegment.ofArray(inputs), TOKENS, parallel);
        assertTrue(GptqSolver.of(moments.meanSquares(parallel), false, 0.01, parallel).isEmpty());
    }

    /** Fewer inputs than columns leave directions that no input has. */
    @Test
    void dampingHelpsWhereInputsAreFew() throws IOException {
        var moments = new Moments(64);
        moments.add(MemorySegment.ofArray(inputs(64)), 3, parallel);
        assertTrue(GptqSolver.of(moments.meanSquares(parallel), false, 1e-12, parallel).isPresent());
    }

    @Test
    void awqFindsScalesForLargeInputs() throws IOException {
        Given weights = weights(96, 128);
        var moments = new Moments(128);
        float[] inputs = inputs(128);
        for (int t = 0; t < TOKENS; t++) {
            inputs[t * 128 + 5] *= 40;
        }
        moments.add(MemorySegment.ofArray(inputs), TOKENS, parallel);
        double[] magnitudes = moments.meanMagnitudes();
        Symmetric squares = moments.meanSquares(parallel);
        var rounding = new Rounding(4, false);
        double[] scales = new ScaleSearch(rounding, 64, parallel).find(List.of(weights), squares, magnitudes);
        assertTrue(scales[5] > 1.3 * scales[6], scales[5] + " and " + scales[6]);
        double before = awqLoss(weights, weights, null, squares, rounding);
        double after = awqLoss(weights, scaled(weights, scales), scales, squares, rounding);
        assertTrue(after < 0.8 * before, after + " of " + before);
        WeightRows limited = ClipSearch.limited(scaled(weights, scales), squares, scales, row -> row != 3, rounding, 64, parallel);
        double clipped = awqLoss(weights, limited, scales, squares, rounding);
        assertTrue(clipped < after, clipped + " of " + after);
        var row = new double[128];
        var same = new double[128];
        limited.read(3, row);
        scaled(weights, scales).read(3, same);
        assertArrayEquals(same, row, "rows that are let be");
    }

    private static WeightRows scaled(Given weights, double[] scales) {
        double[][] all = new double[weights.rows()][weights.cols()];
        for (int r = 0; r < all.length; r++) {
            for (int i = 0; i < scales.length; i++) {
                all[r][i] = weights.weights[r][i] * scales[i];
            }
        }
        return new Given(all);
    }

    private double awqLoss(Given weights, WeightRows rounded, double[] scales, Symmetric squares, Rounding rounding) throws IOException {
        GroupNumbers numbers = Nearest.round(rounded, rounding, 64, parallel);
        var errors = new double[weights.cols()][weights.rows()];
        var row = new float[weights.cols()];
        for (int r = 0; r < weights.rows(); r++) {
            numbers.decode(r, row);
            for (int i = 0; i < row.length; i++) {
                errors[i][r] = row[i] / (scales == null ? 1 : scales[i]) - weights.weights[r][i];
            }
        }
        return squares.quadratic(errors, parallel);
    }
}
