package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.DType;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Packed tensors that are written: read back, and as other programs write them. */
class GroupNumbersTest {
    private static final int ROWS = 96;
    private static final int COLS = 128;
    private static final String MODULE = "model.layers.0.mlp.up_proj";

    @TempDir
    private Path dir;

    private static GroupNumbers numbers(int bits, int groups, boolean mixed) {
        var random = new Random(bits);
        var numbers = new byte[ROWS * COLS];
        var zeros = new byte[ROWS * groups];
        var scales = new float[ROWS * groups];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (byte) random.nextInt(1 << bits);
        }
        for (int i = 0; i < zeros.length; i++) {
            zeros[i] = (byte) random.nextInt(1 << bits); // 0 among them, which less one is the greatest
            scales[i] = Float.float16ToFloat(Float.floatToFloat16(random.nextFloat(0.001f, 0.1f)));
        }
        int[] groupOf = IntStream.range(0, COLS).map(c -> (mixed ? (c * 37 + 5) % COLS : c) * groups / COLS).toArray();
        return new GroupNumbers(ROWS, COLS, bits, numbers, scales, zeros, groupOf);
    }

    private void check(GroupNumbers want, List<StoredTensor> tensors, PackedForm form) throws IOException {
        SafetensorsWriter.writeFolder(dir, tensors, 1 << 20);
        try (var open = HuggingFaceWeights.open(dir, HuggingFaceNames.LLAMA, Optional.empty(), Optional.of(form))) {
            var weights = open.get("blk.0.ffn_up.weight");
            assertEquals(ROWS, weights.rows());
            var expected = new float[COLS];
            var got = new float[COLS];
            for (int r = 0; r < ROWS; r++) {
                want.decode(r, expected);
                weights.decode(r, 1, got, 0);
                assertArrayEquals(expected, got, "row " + r);
            }
            together(weights, 0, ROWS);
            together(weights, 3, 37);
            assertEquals(new HuggingFaceWeights.Origin(MODULE + ".weight", 0), open.origin("blk.0.ffn_up.weight").orElseThrow());
            assertEquals(tensors.stream().map(StoredTensor::name).toList(), open.stored().stream().map(StoredTensor::name).toList());
        }
    }

    /** Rows that are read together are those that are read one by one. */
    private static void together(Weights weights, int from, int count) {
        int bytes = Math.toIntExact(weights.rowBytes());
        var all = MemorySegment.ofArray(new byte[count * bytes]);
        var one = MemorySegment.ofArray(new byte[bytes]);
        weights.read(from, count, all);
        for (int r = 0; r < count; r++) {
            weights.read(from + r, 1, one);
            assertEquals(-1, one.mismatch(all.asSlice((long) r * bytes, bytes)), "row " + (from + r));
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 4, false", "3, 4, false", "4, 1, false", "8, 2, false", "2, 1, true", "3, 2, true", "4, 4, true", "8, 8, true"})
    void gptqIsReadBack(int bits, int groups, boolean mixed) throws IOException {
        GroupNumbers numbers = numbers(bits, groups, mixed);
        int size = COLS / groups;
        check(numbers, numbers.gptq(MODULE, true), new PackedForm.Gptq(true, size));
        check(numbers, numbers.gptq(MODULE, false), new PackedForm.Gptq(false, size));
    }

    @ParameterizedTest
    @CsvSource({"1", "4"})
    void awqIsReadBack(int groups) throws IOException {
        GroupNumbers numbers = numbers(4, groups, false);
        check(numbers, numbers.awq(MODULE), new PackedForm.Awq(false, COLS / groups));
    }

    @Test
    void whatDoesNotFillWordsIsRefused() {
        var odd = new GroupNumbers(20, 40, 4, new byte[800], new float[20], new byte[20], new int[40]);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> odd.gptq("m", true)).getMessage().contains("20 x 40"));
        assertThrows(IllegalArgumentException.class, () -> odd.awq("m"));
        assertThrows(IllegalArgumentException.class, () -> new GroupNumbers(2, 4, 4, new byte[7], new float[2], new byte[2], new int[4]));
        assertThrows(IllegalArgumentException.class, () -> numbers(8, 1, false).awq("m"));
    }

    @Test
    void foldersOfSeveralFiles() throws IOException {
        List<StoredTensor> tensors = numbers(4, 4, false).gptq(MODULE, true);
        SafetensorsWriter.writeFolder(dir, tensors, 1000);
        assertTrue(Files.exists(dir.resolve("model-00002-of-00003.safetensors")));
        try (var open = HuggingFaceWeights.open(dir, HuggingFaceNames.LLAMA, Optional.empty(), Optional.of(new PackedForm.Gptq(true, 32)))) {
            assertEquals(4, open.stored().size());
            for (int i = 0; i < 4; i++) {
                assertEquals(tensors.get(i).shape(), open.stored().get(i).shape());
                assertEquals(-1, tensors.get(i).data().mismatch(open.stored().get(i).data()));
            }
        }
        assertThrows(IllegalArgumentException.class, () -> SafetensorsWriter.write(dir.resolve("x"), List.of(tensors.get(0), tensors.get(0))));
        assertThrows(IllegalArgumentException.class, () -> new StoredTensor("t", DType.F32, List.of(2L), MemorySegment.ofArray(new byte[7])));
        assertFalse(Files.exists(dir.resolve("x")) || Files.exists(dir.resolve(".x.part")), "nothing is left of what failed");
    }

    /** What the libraries packed is unpacked here word by word, and packed again. */
    @ParameterizedTest
    @CsvSource({"quant-real/gptq-4bit-g128-sym, 4, true", "quant-real/gptq-3bit-g64, 3, true", "quant-real/gptq-8bit-g-1, 8, true",
        "quant-real/gptq-4bit-g32-asym-descact-v2, 4, false", "quant-real/autoawq-gemm-g64, 4, true", "quant-real/awq-gemm-g64, 4, true"})
    void asTheLibrariesPackIt(String folder, int bits, boolean first) throws IOException {
        Path path = Path.of(System.getProperty("jllm.shared", ""), "oracles", folder, "model.safetensors");
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.exists(path), "needs oracles/" + folder + " under -Djllm.shared");
        boolean awq = folder.contains("awq");
        int modules = 0;
        try (var file = SafetensorsFile.open(path)) {
            for (String name : file.tensors().keySet().stream().filter(n -> n.endsWith(".qweight")).toList()) {
                String module = name.substring(0, name.length() - ".qweight".length());
                GroupNumbers numbers = awq ? awq(file, module) : gptq(file, module, bits, first);
                for (StoredTensor t : awq ? numbers.awq(module) : numbers.gptq(module, first)) {
                    var theirs = file.tensors().get(t.name());
                    assertEquals(theirs.type(), t.type(), t.name());
                    assertEquals(-1, theirs.data().mismatch(t.data()), t.name());
                }
                modules++;
            }
        }
        assertEquals(14, modules);
    }

    private static int word(SafetensorsFile file, String name, long index) {
        return file.tensors().get(name).data().getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, index);
    }

    private static GroupNumbers gptq(SafetensorsFile file, String module, int bits, boolean first) {
        int rows = (int) file.tensors().get(module + ".scales").cols();
        int groups = (int) file.tensors().get(module + ".scales").rows();
        int cols = (int) file.tensors().get(module + ".g_idx").cols();
        var numbers = new byte[rows * cols];
        var zeros = new byte[rows * groups];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                for (int bit = 0; bit < bits; bit++) {
                    int at = c * bits + bit;
                    numbers[r * cols + c] |= (byte) ((word(file, module + ".qweight", (long) at / 32 * rows + r) >>> at % 32 & 1) << bit);
                }
            }
            for (int g = 0; g < groups; g++) {
                int stored = 0;
                for (int bit = 0; bit < bits; bit++) {
                    int at = r * bits + bit;
                    stored |= (word(file, module + ".qzeros", (long) g * rows * bits / 32 + at / 32) >>> at % 32 & 1) << bit;
                }
                zeros[r * groups + g] = (byte) (stored + (first ? 1 : 0) & (1 << bits) - 1);
            }
        }
        int[] groupOf = IntStream.range(0, cols).map(c -> word(file, module + ".g_idx", c)).toArray();
        return new GroupNumbers(rows, cols, bits, numbers, scales(file, module, rows, groups), zeros, groupOf);
    }

    private static float[] scales(SafetensorsFile file, String module, int rows, int groups) {
        var data = file.tensors().get(module + ".scales").data();
        var scales = new float[rows * groups];
        for (int i = 0; i < scales.length; i++) {
            scales[i % rows * groups + i / rows] = Float.float16ToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i));
        }
        return scales;
    }

    private static GroupNumbers awq(SafetensorsFile file, String module) {
        int[] columns = {0, 2, 4, 6, 1, 3, 5, 7};
        int rows = (int) file.tensors().get(module + ".scales").cols();
        int groups = (int) file.tensors().get(module + ".scales").rows();
        int cols = (int) file.tensors().get(module + ".qweight").rows();
        var numbers = new byte[rows * cols];
        var zeros = new byte[rows * groups];
        for (int word = 0; word < rows / 8; word++) {
            for (int i = 0; i < 8; i++) {
                int r = word * 8 + columns[i];
                for (int c = 0; c < cols; c++) {
                    numbers[r * cols + c] = (byte) (word(file, module + ".qweight", (long) c * rows / 8 + word) >>> 4 * i & 15);
                }
                for (int g = 0; g < groups; g++) {
                    zeros[r * groups + g] = (byte) (word(file, module + ".qzeros", (long) g * rows / 8 + word) >>> 4 * i & 15);
                }
            }
        }
        return new GroupNumbers(rows, cols, 4, numbers, scales(file, module, rows, groups), zeros,
                IntStream.range(0, cols).map(c -> c * groups / cols).toArray());
    }
}
