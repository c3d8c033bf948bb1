package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random nibbles and scales, as compressed-tensors and ModelOpt have them, and what they stand for. */
class SmallFloatsTest {
    private static final float[] LEVELS = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, 0, -0.5f, -1, -1.5f, -2, -3, -4, -6};
    private static final int ROWS = 5;
    private static final int COLS = 128;

    private final byte[] numbers = random(ROWS * COLS / 2, 256);

    @TempDir
    private Path dir;

    private static byte[] random(int n, int values) {
        var random = new Random(n);
        var bytes = new byte[n];
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) random.nextInt(values);
        }
        return bytes;
    }

    private HuggingFaceWeights open(Safetensors file) throws IOException {
        Files.write(dir.resolve("model.safetensors"), file.bytes());
        return HuggingFaceWeights.open(dir, HuggingFaceNames.LLAMA, Optional.empty(), Optional.empty());
    }

    private static Safetensors compressed(byte[] numbers, byte[] scales, float divisor) {
        return new Safetensors().add("a.weight_packed", "U8", List.of(ROWS, COLS / 2), numbers)
                .add("a.weight_scale", "F8_E4M3", List.of(ROWS, COLS / 16), scales).add("a.weight_global_scale", DType.F32, List.of(1), divisor)
                .add("a.input_global_scale", DType.F32, List.of(1), 7);
    }

    private static Safetensors modelOpt(byte[] numbers, byte[] scales, float factor) {
        return new Safetensors().add("a.weight", "U8", List.of(ROWS, COLS / 2), numbers)
                .add("a.weight_scale", "F8_E4M3", List.of(ROWS, COLS / 16), scales).add("a.weight_scale_2", DType.F32, List.of(), factor)
                .add("a.input_scale", DType.F32, List.of(), 7);
    }

    private float[] expected(DType scaleType, byte[] scales, float factor) {
        int shared = COLS * ROWS / scales.length;
        var s = new float[scales.length];
        Codec.of(scaleType).orElseThrow().decode(MemorySegment.ofArray(scales), 0, s, 0, s.length);
        var values = new float[ROWS * COLS];
        for (int i = 0; i < values.length; i++) {
            values[i] = LEVELS[numbers[i / 2] >> i % 2 * 4 & 15] * (s[i / shared] * factor);
        }
        return values;
    }

    private static void check(Weights w, String format, float[] want) {
        assertEquals(format, w.format());
        assertEquals(ROWS, w.rows());
        assertEquals(COLS, w.cols());
        var got = new float[want.length];
        w.decode(0, ROWS, got, 0);
        assertArrayEquals(want, got);
        var two = new float[2 * COLS];
        w.decode(2, 2, two, 0);
        assertEquals(want[2 * COLS + 1], two[1]);
        assertEquals(want[4 * COLS - 1], two[2 * COLS - 1]);
    }

    @Test
    void nvfp4OfBothMakers() throws IOException {
        byte[] scales = random(ROWS * COLS / 16, 127);
        float[] want = expected(DType.F8_E4M3, scales, 1 / 3000f);
        try (var weights = open(compressed(numbers, scales, 3000))) {
            check(weights.get("a.weight"), "E2M1_64", want);
            assertEquals(Set.of("a.weight"), weights.names());
        }
        try (var weights = open(modelOpt(numbers, scales, 1 / 3000f))) {
            check(weights.get("a.weight"), "E2M1_64", want);
            assertEquals(Set.of("a.weight"), weights.names());
        }
    }

    @Test
    void mxfp4() throws IOException {
        byte[] scales = random(ROWS * COLS / 32, 200);
        try (var weights = open(new Safetensors().add("a.weight_packed", "U8", List.of(ROWS, COLS / 2), numbers)
                .add("a.weight_scale", "U8", List.of(ROWS, COLS / 32), scales))) {
            check(weights.get("a.weight"), "MXFP4", expected(DType.F8_E8M0, scales, 1));
        }
    }

    /** Rows that a family cuts out of a matrix. */
    @Test
    void rowsOfAFusedMatrix() throws IOException {
        byte[] scales = random(ROWS * COLS / 16, 127);
        Files.write(dir.resolve("model.safetensors"), compressed(numbers, scales, 2).bytes());
        var names = HuggingFaceNames.of(new HuggingFaceNames.Split("a", List.of(new HuggingFaceNames.Part("b", 2),
                new HuggingFaceNames.Part("c", ROWS - 2))));
        try (var weights = HuggingFaceWeights.open(dir, names, Optional.empty(), Optional.empty())) {
            var got = new float[COLS];
            weights.get("c.weight").decode(1, 1, got, 0);
            float[] want = expected(DType.F8_E4M3, scales, 0.5f);
            for (int c = 0; c < COLS; c++) {
                assertEquals(want[3 * COLS + c], got[c]);
            }
            assertThrows(IndexOutOfBoundsException.class, () -> weights.get("b.weight").decode(2, 1, got, 0));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 'weight_global_scale is 0.0, must be above 0'", "-1, 'weight_global_scale is -1.0'", "NaN, 'weight_global_scale is NaN'"})
    void factorsThatAreNone(float divisor, String words) {
        var e = assertThrows(FormatException.class, () -> open(compressed(numbers, random(ROWS * COLS / 16, 127), divisor)));
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }

    @Test
    void shapesThatDoNotFit() {
        var fewer = new Safetensors().add("a.weight_packed", "U8", List.of(ROWS, COLS / 2), numbers)
                .add("a.weight_scale", "F8_E4M3", List.of(ROWS, 4), new byte[ROWS * 4]).add("a.weight_global_scale", DType.F32, List.of(1), 2);
        assertTrue(assertThrows(FormatException.class, () -> open(fewer)).getMessage().contains("weight_scale has 5 x 4 for 5 x 128 values in groups of 16"));
        var odd = new Safetensors().add("a.weight_packed", "U8", List.of(ROWS, 24), new byte[ROWS * 24])
                .add("a.weight_scale", "F8_E4M3", List.of(ROWS, 3), new byte[ROWS * 3]).add("a.weight_global_scale", DType.F32, List.of(1), 2);
        assertTrue(assertThrows(FormatException.class, () -> open(odd)).getMessage().contains("48 columns; supported are multiples of 64"));
        var other = new Safetensors().add("a.weight_packed", "U8", List.of(ROWS, COLS / 2), numbers)
                .add("a.weight_scale", DType.F32, List.of(1), 1);
        assertTrue(assertThrows(FormatException.class, () -> open(other)).getMessage().contains("weight_scale"));
    }
}
