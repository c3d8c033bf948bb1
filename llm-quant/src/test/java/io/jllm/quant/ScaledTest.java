package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** 8-bit floats and scales as blocks; as rounded products see EightBitScalesTest. */
class ScaledTest {
    private static final Random RANDOM = new Random(3);

    /** All bytes, in any order: those that are no numbers too. */
    private static Tensor eight(DType type, int rows, int cols) {
        var bytes = new byte[rows * cols];
        RANDOM.nextBytes(bytes);
        return new Tensor("w", type, rows, cols, MemorySegment.ofArray(bytes));
    }

    private static Tensor scales(DType type, int rows, int cols) {
        var values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.scalb(RANDOM.nextFloat() + 0.5f, RANDOM.nextInt(-140, 6));
        }
        MemorySegment data = MemorySegment.ofArray(new byte[(int) type.bytes(values.length)]);
        if (type == DType.F8_E8M0) {
            for (int i = 0; i < values.length; i++) {
                data.set(ValueLayout.JAVA_BYTE, i, (byte) RANDOM.nextInt(20, 130));
            }
        } else {
            Encoder.of(type).orElseThrow().encode(values, 0, values.length, data, 0);
        }
        return new Tensor("s", type, rows, cols, data);
    }

    private static float[] values(Weights w) {
        var all = new float[(int) (w.rows() * w.cols())];
        w.decode(0, (int) w.rows(), all, 0);
        return all;
    }

    private static void same(float want, float have, String where) {
        assertTrue(Float.isNaN(want) ? Float.isNaN(have) : Float.floatToRawIntBits(want) == Float.floatToRawIntBits(have),
                where + " is " + have + ", must be " + want);
    }

    /** Blocks, rows and the tensor; of one matrix and of several. */
    @ParameterizedTest
    @CsvSource({"F32, 200, 320, 1, 128, 128", "F8_E8M0, 200, 320, 1, 128, 128", "BF16, 48, 128, 1, 1, 128", "F32, 48, 64, 1, 48, 64",
        "F32, 120, 192, 3, 32, 64", "F8_E8M0, 6, 64, 2, 3, 100"})
    void blocksOf64(DType scaleType, int rows, int cols, int matrices, int blockRows, int blockCols) {
        Tensor eight = eight(DType.F8_E4M3, rows, cols);
        int gridRows = Math.ceilDiv(rows / matrices, blockRows);
        Tensor scales = scales(scaleType, matrices * gridRows, Math.ceilDiv(cols, blockCols));
        var scaled = new Scaled(eight, scales, matrices, blockRows, blockCols);
        var all = new Assembled("w", List.of(scaled));
        assertEquals("F8_64", all.format());
        assertEquals((long) rows * cols / 64 * 68, all.bytes());
        float[] raw = values(eight);
        float[] factors = values(scales);
        float[] have = values(all);
        float[] rounded = values(Rounded.apart(all));
        assertEquals("BF16", Rounded.apart(all).format());
        for (int r = 0; r < rows; r++) {
            int grid = r / (rows / matrices) * gridRows + r % (rows / matrices) / blockRows;
            for (int c = 0; c < cols; c++) {
                float want = raw[r * cols + c] * factors[grid * (int) scales.cols() + c / blockCols];
                same(want, have[r * cols + c], "row " + r + " column " + c);
                var half = MemorySegment.ofArray(new byte[Short.BYTES]);
                Encoder.of(DType.BF16).orElseThrow().encode(new float[] {want}, 0, 1, half, 0);
                var back = new float[1];
                Codec.of(DType.BF16).orElseThrow().decode(half, 0, back, 0, 1);
                same(back[0], rounded[r * cols + c], "rounded, row " + r + " column " + c);
            }
        }
        // parts, wherever they are cut, and rows from anywhere
        var cut = new Assembled("w", List.of(scaled.rows(0, 5), scaled.rows(5, rows)));
        for (int r = rows - 1; r >= 0; r--) {
            var row = new float[cols + 1];
            cut.decode(r, 1, row, 1);
            for (int c = 0; c < cols; c++) {
                same(have[r * cols + c], row[c + 1], "row " + r + " column " + c);
            }
        }
        Tensor copied = all.plain();
        assertEquals(DType.F8_64, copied.type());
        float[] again = values(copied);
        for (int i = 0; i < have.length; i++) {
            same(have[i], again[i], "copied value " + i);
        }
    }

    @ParameterizedTest
    @CsvSource({"F8_E5M2, 4, 64, 4, 64", "F8_E4M3, 4, 96, 4, 96", "F8_E4M3, 4, 128, 4, 32", "F8_E4M3, 1, 64, 1, 64"})
    void othersAreRoundedProducts(DType type, int rows, int cols, int blockRows, int blockCols) {
        var scaled = new Scaled(eight(type, rows, cols), scales(DType.F32, rows / blockRows, Math.ceilDiv(cols, blockCols)), 1, blockRows, blockCols);
        var w = new Assembled("w", List.of(scaled));
        assertEquals("BF16", w.format());
        assertSame(w, Rounded.apart(w));
    }

    @Test
    void largeScalesAreRefused() {
        for (float d : new float[] {256, -0x1p126f}) {
            var scaled = new Scaled(eight(DType.F8_E4M3, 2, 64), new Tensor("w_scale", DType.F32, 1, 1, MemorySegment.ofArray(new float[] {d})), 1, 2, 64);
            String said = assertThrows(IllegalArgumentException.class, () -> new Assembled("w", List.of(scaled)).plain()).getMessage();
            assertTrue(said.contains("w_scale") && said.contains(Float.toString(d)) && said.contains("below 256"), said);
        }
        for (float d : new float[] {Math.nextDown(256f), Float.NaN, Float.POSITIVE_INFINITY, 0}) {
            var scaled = new Scaled(eight(DType.F8_E4M3, 2, 64), new Tensor("w_scale", DType.F32, 1, 1, MemorySegment.ofArray(new float[] {d})), 1, 2, 64);
            assertEquals(DType.F8_64, new Assembled("w", List.of(scaled)).plain().type());
        }
    }
}
