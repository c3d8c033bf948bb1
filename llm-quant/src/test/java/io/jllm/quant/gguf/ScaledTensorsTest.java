package io.jllm.quant.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.WeightSource;
import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVFP4 in files: random blocks, read by the layout that ggml describes, times their factors. */
class ScaledTensorsTest {
    private static final float[] LEVELS = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, 0, -0.5f, -1, -1.5f, -2, -3, -4, -6};
    private static final int ROWS = 4;
    private static final int COLS = 128;
    private static final int BLOCK = 64;
    private static final int BYTES = 36;

    @TempDir
    private Path dir;

    private static byte[] blocks() {
        var bytes = new byte[ROWS * COLS / BLOCK * BYTES];
        new Random(1).nextBytes(bytes);
        for (int b = 0; b < bytes.length; b += BYTES) {
            for (int i = 0; i < 4; i++) {
                bytes[b + i] &= 0x7f;
            }
        }
        bytes[1] = 0x7f; // counts as 0
        return bytes;
    }

    private static float[] expected(byte[] blocks, float... factors) {
        var values = new float[ROWS * COLS];
        var scale = new float[1];
        for (int i = 0; i < values.length; i++) {
            int block = i / BLOCK * BYTES;
            int run = i % BLOCK / 16;
            byte code = blocks[block + run];
            Codec.of(DType.F8_E4M3).orElseThrow().decode(MemorySegment.ofArray(new byte[] {code == 0x7f ? 0 : code}), 0, scale, 0, 1);
            int pair = blocks[block + 4 + run * 8 + i % 8];
            values[i] = LEVELS[pair >> i % 16 / 8 * 4 & 15] * (scale[0] * factors[i / COLS / (ROWS / factors.length)]);
        }
        return values;
    }

    private WeightSource open(float... scale) throws IOException {
        Path file = dir.resolve("a.gguf");
        var tensors = new ArrayList<>(List.of(new TensorEntry("a.weight", DType.NVFP4, List.of((long) COLS, (long) ROWS),
                out -> out.write(ByteBuffer.wrap(blocks()))), Samples.tensor("a.input_scale", DType.F32, List.of(1L), new float[] {9}),
                Samples.tensor("b.scale", DType.F32, List.of(2L), new float[] {1, 2})));
        if (scale.length > 0) {
            tensors.add(Samples.tensor("a.scale", DType.F32, List.of((long) scale.length), scale));
        }
        GgufWriter.write(file, Samples.metadata(), tensors, GgufWriter.Progress.NONE);
        return ScaledTensors.of(GgufFile.open(file));
    }

    private static void check(WeightSource source, float[] want) {
        try (source) {
            assertEquals(Set.of("a.weight", "b.scale"), source.names());
            assertTrue(source.find("a.scale").isEmpty());
            var w = source.find("a.weight").orElseThrow();
            assertEquals("E2M1_64", w.format());
            var got = new float[want.length];
            w.decode(0, ROWS, got, 0);
            assertArrayEquals(want, got);
        }
    }

    @Test
    void factorsOfAMatrixOfExpertsAndNone() throws IOException {
        check(open(0.125f), expected(blocks(), 0.125f));
        check(open(3, 0.3f), expected(blocks(), 3, 0.3f));
        check(open(), expected(blocks(), 1));
    }

    @Test
    void factorsThatDoNotFit() throws IOException {
        try (var source = open(1, 2, 3)) {
            var e = assertThrows(FormatException.class, () -> source.get("a.weight"));
            assertTrue(e.getMessage().contains("tensor a.scale has 3 numbers of type F32; for 4 rows of a.weight it must have one F32"),
                    e.getMessage());
        }
    }

    @Test
    void otherFilesAreThemselves() throws IOException {
        Path path = dir.resolve("b.gguf");
        GgufWriter.write(path, Samples.metadata(), Samples.tensors(), GgufWriter.Progress.NONE);
        try (var file = GgufFile.open(path)) {
            assertSame(file, ScaledTensors.of(file));
        }
    }
}
