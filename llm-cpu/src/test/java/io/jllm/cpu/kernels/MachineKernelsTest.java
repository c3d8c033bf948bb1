package io.jllm.cpu.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Machine code against the exact model of its arithmetic, bit by bit, and against products of floats within what 8 bits allow. */
class MachineKernelsTest {
    private static final int BLOCK = 32;
    private static final int STORED_BYTES = 18;

    private final Random random = new Random(3);
    private final Arena arena = Arena.ofConfined();
    private MachineKernels kernels;

    @BeforeEach
    void open() {
        Assumptions.assumeTrue(MachineKernels.avx512().isPresent(), () -> "skipped: " + MachineKernels.whyNot());
        kernels = MachineKernels.avx512().orElseThrow();
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private Tensor weights(int rows, int cols) {
        MemorySegment data = arena.allocate((long) rows * cols / BLOCK * STORED_BYTES);
        for (long at = 0; at < data.byteSize(); at += STORED_BYTES) {
            data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16((float) random.nextGaussian()));
            for (int i = 2; i < STORED_BYTES; i++) {
                data.set(ValueLayout.JAVA_BYTE, at + i, (byte) random.nextInt(256));
            }
        }
        return new Tensor("w", DType.Q4_0, rows, cols, data);
    }

    private PackedMatrix pack(Tensor t) {
        var w = new PackedMatrix(arena.allocate(PackedMatrix.bytes(t.rows(), t.cols()), 64), (int) t.rows(), (int) t.cols(), MemorySegment.NULL);
        w.pack(t, 0, w.groups());
        return w;
    }

    private Rows rows(float[][] x) {
        var rows = new Rows(arena.allocate((long) x.length * x[0].length * Float.BYTES), 0, x[0].length);
        for (int t = 0; t < x.length; t++) {
            MemorySegment.copy(x[t], 0, rows.data(), Rows.FLOAT, rows.row(t), x[t].length);
        }
        return rows;
    }

    private BlockRows quantize(float[][] x) {
        Rows rows = rows(x);
        var quantized = new BlockRows(arena.allocate(BlockRows.bytes(x.length, x[0].length)), x[0].length);
        for (int t = 0; t < x.length; t += BlockRows.GROUP) {
            kernels.quantize(rows, t, x.length, quantized);
        }
        return quantized;
    }

    private float[][] gaussian(int tokens, int cols, float size) {
        var x = new float[tokens][cols];
        for (float[] row : x) {
            for (int i = 0; i < cols; i++) {
                row[i] = (float) random.nextGaussian() * size;
            }
        }
        return x;
    }

    private static float[] decoded(Tensor t, int row) {
        var out = new float[(int) t.cols()];
        Codec.of(t.type()).orElseThrow().decode(t.data(), row * t.rowBytes(), out, 0, out.length);
        return out;
    }

    /** What a row by a token must be, from the stored bytes. */
    private static float model(Tensor t, int row, float[] x) {
        int blocks = (int) t.cols() / BLOCK;
        var nibbles = new byte[(int) t.cols()];
        var scales = new float[blocks];
        for (int b = 0; b < blocks; b++) {
            long at = row * t.rowBytes() + (long) b * STORED_BYTES;
            scales[b] = Float.float16ToFloat(t.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            for (int i = 0; i < BLOCK / 2; i++) {
                int pair = t.data().get(ValueLayout.JAVA_BYTE, at + 2 + i);
                nibbles[b * BLOCK + i] = (byte) (pair & 15);
                nibbles[b * BLOCK + BLOCK / 2 + i] = (byte) (pair >> 4 & 15);
            }
        }
        return BlockModel.dot(nibbles, scales, x);
    }

    private static void same(float want, float got, String what) {
        assertEquals(Float.floatToIntBits(want), Float.floatToIntBits(got), () -> what + ": " + got + " instead of " + want);
    }

    @Test
    void everyBitOfEveryShape() {
        for (int rows : new int[] {1, 7, 15, 16, 17, 31, 32, 100}) {
            for (int cols : new int[] {32, 64, 96, 480}) {
                Tensor t = weights(rows, cols);
                PackedMatrix w = pack(t);
                for (int tokens : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 21}) {
                    float[][] x = gaussian(tokens, cols, 3);
                    var out = new Rows(arena.allocate((long) tokens * (rows + 2) * Float.BYTES), 0, rows + 2);
                    kernels.linear(w, 0, rows, quantize(x), tokens, new Target(out, 1, Optional.empty()));
                    for (int i = 0; i < tokens; i++) {
                        same(0, out.data().get(Rows.FLOAT, out.row(i)), "before row 0");
                        same(0, out.data().get(Rows.FLOAT, out.row(i) + 4L * (rows + 1)), "behind the last row");
                        for (int r = 0; r < rows; r++) {
                            same(model(t, r, x[i]), out.data().get(Rows.FLOAT, out.row(i) + 4L * (r + 1)),
                                    rows + " x " + cols + ", row " + r + ", token " + i + " of " + tokens);
                        }
                    }
                }
            }
        }
    }

    /** Long rows fill panels of one group; many rows of short ones, several panels. */
    @Test
    void everyBitAcrossPanelsAndPartsOfAMatrix() {
        for (int[] shape : new int[][] {{50, 16384}, {6000, 64}}) {
            Tensor t = weights(shape[0], shape[1]);
            PackedMatrix w = pack(t);
            float[][] x = gaussian(10, shape[1], 1);
            BlockRows quantized = quantize(x);
            var out = new Rows(arena.allocate(10L * shape[0] * Float.BYTES), 0, shape[0]);
            int part = shape[0] / 3 / 16 * 16;
            for (int from = 0; from < shape[0]; from += part) {
                kernels.linear(w, from, Math.min(shape[0], from + part), quantized, 10, new Target(out, 0, Optional.empty()));
            }
            for (int r = 0; r < shape[0]; r += 7) {
                for (int i = 0; i < 10; i += 3) {
                    same(model(t, r, x[i]), out.data().get(Rows.FLOAT, out.row(i) + 4L * r), "row " + r + ", token " + i);
                }
            }
        }
    }

    @Test
    void decodesToTheSameFloatsAsTheCodec() {
        Tensor t = weights(37, 160);
        PackedMatrix w = pack(t);
        var row = new float[160];
        for (int r = 0; r < 37; r++) {
            w.decode(r, row);
            for (int i = 0; i < row.length; i++) {
                same(decoded(t, r)[i], row[i], "row " + r + ", column " + i);
            }
        }
    }

    /** An activation is off by half a step, 1/254 of the largest of its block, at most: so a product is by the sum of |w| times that. */
    @Test
    void asNearToProductsOfFloatsAsEightBitsAllow() {
        for (int cols : new int[] {32, 320, 4096}) {
            Tensor t = weights(48, cols);
            PackedMatrix w = pack(t);
            float[][] x = gaussian(9, cols, 1);
            var out = new Rows(arena.allocate(9L * 48 * Float.BYTES), 0, 48);
            kernels.linear(w, 0, 48, quantize(x), 9, new Target(out, 0, Optional.empty()));
            for (int i = 0; i < 9; i++) {
                for (int r = 0; r < 48; r++) {
                    float[] row = decoded(t, r);
                    double want = 0;
                    double bound = 0;
                    double size = 0;
                    for (int c = 0; c < cols; c++) {
                        want += (double) row[c] * x[i][c];
                        bound += Math.abs(row[c]) * BlockModel.scale(x[i], c / BLOCK * BLOCK) / 2;
                        size += Math.abs((double) row[c] * x[i][c]);
                    }
                    // Each of the sums and products of floats rounds once, by 2^-24 of what has come together so far.
                    bound += size * (cols / BLOCK + 4) * 0x1p-24;
                    double got = out.data().get(Rows.FLOAT, out.row(i) + 4L * r);
                    assertEquals(want, got, bound, "row " + r + ", token " + i);
                }
            }
        }
    }

    @Test
    void zerosTinyAndHugeNumbersAndWhatIsNone() {
        Tensor t = weights(16, 64);
        PackedMatrix w = pack(t);
        float[] sizes = {0, Float.MIN_VALUE, 1e-38f, 1e-30f, 1e30f, Float.MAX_VALUE, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
        for (float size : sizes) {
            float[][] x = gaussian(2, 64, 1);
            x[0] = new float[64];
            x[0][5] = size;
            x[0][6] = -size / 3;
            x[1][40] = size;
            var out = new Rows(arena.allocate(2L * 16 * Float.BYTES), 0, 16);
            kernels.linear(w, 0, 16, quantize(x), 2, new Target(out, 0, Optional.empty()));
            for (int i = 0; i < 2; i++) {
                for (int r = 0; r < 16; r++) {
                    float got = out.data().get(Rows.FLOAT, out.row(i) + 4L * r);
                    same(model(t, r, x[i]), got, size + ", row " + r);
                    assertTrue(Float.isFinite(size) || Float.isNaN(got), () -> size + " gave " + got);
                }
            }
        }
    }

    @Test
    void biasAndResidualInPlaceAndElsewhere() {
        int rows = 37;
        Tensor t = weights(rows, 64);
        MemorySegment bias = arena.allocate(48L * Float.BYTES);
        for (int r = 0; r < rows; r++) {
            bias.set(Rows.FLOAT, 4L * r, r * 0.5f);
        }
        PackedMatrix w = pack(t).withBias(bias);
        float[][] x = gaussian(11, 64, 1);
        BlockRows quantized = quantize(x);
        float[][] rest = gaussian(11, rows, 1);
        Rows elsewhere = rows(rest);
        Rows inPlace = rows(rest);
        var out = new Rows(arena.allocate(11L * rows * Float.BYTES), 0, rows);
        kernels.linear(w, 0, rows, quantized, 11, new Target(out, 0, Optional.of(elsewhere)));
        kernels.linear(w, 0, rows, quantized, 11, new Target(inPlace, 0, Optional.of(inPlace)));
        for (int i = 0; i < 11; i++) {
            for (int r = 0; r < rows; r++) {
                float want = model(t, r, x[i]) + r * 0.5f + rest[i][r];
                same(want, out.data().get(Rows.FLOAT, out.row(i) + 4L * r), "row " + r);
                same(want, inPlace.data().get(Rows.FLOAT, inPlace.row(i) + 4L * r), "row " + r);
            }
        }
    }
}
