package io.jllm.convert.packed.algebra;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Matrices whose inverses can be told by multiplying. */
class InverseFactorTest {
    private static Symmetric squares(int n, int vectors, Parallel parallel) throws IOException {
        var random = new Random(n);
        var all = new double[vectors][];
        for (int v = 0; v < vectors; v++) {
            all[v] = random.doubles(n, -1, 1).toArray();
        }
        var matrix = new Symmetric(n);
        matrix.addSquares(all, vectors, parallel);
        double[] first = all[0];
        for (int i = 0; i < Math.min(n, 5); i++) {
            int row = i;
            double sum = IntStream.range(0, vectors).mapToDouble(v -> all[v][row] * all[v][0]).sum();
            assertEquals(sum, matrix.get(i, 0), 1e-9, "column 0, row " + i + " of " + first.length);
            assertEquals(matrix.get(i, 0), matrix.get(0, i));
        }
        return matrix;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 17, 64, 65, 128, 300, 601})
    void timesItsTransposeAndTheMatrixItIsOne(int n) throws IOException {
        try (var parallel = new Parallel(3)) {
            Symmetric h = squares(n, 2 * n + 3, parallel);
            int[] order = IntStream.range(0, n).map(i -> (i * 7 + 3) % n).toArray();
            int[] plain = IntStream.range(0, n).toArray();
            for (int[] o : n % 7 == 0 ? new int[][] {plain} : new int[][] {plain, order}) {
                double[][] u = InverseFactor.of(h, o, 0.5, parallel).orElseThrow();
                for (int i = 0; i < n; i++) {
                    for (int j = 0; j < i; j++) {
                        assertEquals(0, u[i][j]);
                    }
                }
                var random = new Random(1);
                for (int test = 0; test < 3; test++) {
                    double[] x = random.doubles(n).toArray();
                    var hx = new double[n];
                    for (int i = 0; i < n; i++) {
                        hx[i] = 0.5 * x[i];
                        for (int j = 0; j < n; j++) {
                            hx[i] += h.get(o[i], o[j]) * x[j];
                        }
                    }
                    var uhx = new double[n];
                    for (int i = 0; i < n; i++) {
                        for (int j = i; j < n; j++) {
                            uhx[i] += u[i][j] * hx[j];
                        }
                    }
                    for (int j = 0; j < n; j++) {
                        double got = 0;
                        for (int i = 0; i <= j; i++) {
                            got += u[i][j] * uhx[i];
                        }
                        assertEquals(x[j], got, 1e-7, n + ", place " + j);
                    }
                }
            }
        }
    }

    @Test
    void whatIsNotPositiveDefiniteHasNone() throws IOException {
        try (var parallel = new Parallel(2)) {
            var matrix = new Symmetric(70);
            for (int i = 0; i < 70; i++) {
                matrix.set(i, i, i == 40 ? -1 : 1);
            }
            int[] order = IntStream.range(0, 70).toArray();
            assertTrue(InverseFactor.of(matrix, order, 0.5, parallel).isEmpty());
            assertTrue(InverseFactor.of(matrix, order, 1.5, parallel).isPresent());
            matrix.set(3, 2, Double.NaN);
            assertTrue(InverseFactor.of(matrix, order, 1.5, parallel).isEmpty());
        }
    }

    @Test
    void quadraticForms() throws IOException {
        try (var parallel = new Parallel(2)) {
            Symmetric h = squares(37, 50, parallel);
            double[][] vectors = new Random(4).doubles(37).mapToObj(d -> new double[] {d, 1 - d, 0}).toArray(double[][]::new);
            double want = 0;
            for (int v = 0; v < 3; v++) {
                for (int i = 0; i < 37; i++) {
                    for (int j = 0; j < 37; j++) {
                        want += vectors[i][v] * h.get(i, j) * vectors[j][v];
                    }
                }
            }
            assertEquals(want, h.quadratic(vectors, parallel), 1e-9 * want);
            assertEquals(h.get(20, 22), h.block(20, 30)[0][2]);
        }
    }
}
