package io.jllm.quant.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The golden values were made with numpy and ml_dtypes: of each weight its bytes, its scales, and what they come to in BF16. */
class EightBitScalesTest {
    private static final Optional<ScaleBlock> BLOCK = Optional.of(new ScaleBlock(16, 8));

    @TempDir
    private Path dir;

    private HuggingFaceWeights golden(HuggingFaceNames names) throws IOException {
        try (var in = EightBitScalesTest.class.getResourceAsStream("eight.safetensors")) {
            Files.write(dir.resolve("model.safetensors"), in.readAllBytes());
        }
        return HuggingFaceWeights.open(dir, names, BLOCK, Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"block", "whole", "scalar", "one", "row", "rowflat", "e5m2", "bf16scale", "e8m0scale", "experts", "expertone"})
    void productsOfNumpy(String name) throws IOException {
        try (var weights = golden(HuggingFaceNames.LLAMA)) {
            Weights w = weights.get(name + ".weight");
            Tensor want = weights.tensor(name + ".want");
            assertEquals(want.rows(), w.rows());
            assertEquals(want.cols(), w.cols());
            assertEquals("BF16", w.format());
            assertEquals(want.bytes(), w.bytes());
            assertEquals(-1, want.data().mismatch(weights.tensor(name + ".weight").data()));
            int cols = (int) w.cols();
            float[] one = new float[cols + 2];
            float[] two = new float[cols];
            for (int r = (int) w.rows() - 1; r >= 0; r--) { // rows by themselves, from anywhere
                w.decode(r, 1, one, 2);
                want.decode(r, 1, two, 0);
                for (int c = 0; c < cols; c++) {
                    assertEquals(two[c], one[c + 2], "row " + r + " column " + c);
                }
            }
            assertTrue(w.slice(0, 1).isEmpty());
            assertThrows(IndexOutOfBoundsException.class, () -> w.read(0, w.rows() + 1, MemorySegment.ofArray(new byte[1 << 16])));
            assertEquals(Set.of(), Set.copyOf(weights.names().stream().filter(n -> n.contains("scale_inv") || n.endsWith("_scale")).toList()));
        }
    }

    /** Where a fused matrix is cut is not where its blocks end. */
    @Test
    void partsOfFusedMatrices() throws IOException {
        var names = HuggingFaceNames.of(new HuggingFaceNames.Split("block", List.of(new HuggingFaceNames.Part("a", 13),
                new HuggingFaceNames.Part("b", 20), new HuggingFaceNames.Part("c", 4))));
        try (var weights = golden(names)) {
            Tensor want = weights.tensor("block.want");
            assertEquals(-1, want.rows("x", 0, 13).data().mismatch(weights.tensor("a.weight").data()));
            assertEquals(-1, want.rows("x", 13, 33).data().mismatch(weights.tensor("b.weight").data()));
            assertEquals(-1, want.rows("x", 33, 37).data().mismatch(weights.tensor("c.weight").data()));
            assertFalse(weights.find("block.weight").isPresent());
        }
    }

    private HuggingFaceWeights open(Safetensors file, Optional<ScaleBlock> block) throws IOException {
        Files.write(dir.resolve("model.safetensors"), file.bytes());
        return HuggingFaceWeights.open(dir, HuggingFaceNames.LLAMA, block, Optional.empty());
    }

    @Test
    void valuesWithoutScalesAreThemselves() throws IOException {
        var file = new Safetensors().add("a.weight", "F8_E4M3", List.of(2, 2), new byte[] {0x38, (byte) 0xb8, 0x7e, 0x01});
        try (var weights = open(file, Optional.empty())) {
            float[] values = new float[4];
            weights.get("a.weight").decode(0, 2, values, 0);
            assertArrayEquals(new float[] {1, -1, 448, 0x1p-9f}, values);
        }
    }

    @Test
    void scalesMayLieInAnotherShard() throws IOException {
        Files.write(dir.resolve("1.safetensors"), new Safetensors().add("a.weight_scale_inv", DType.F32, List.of(1, 1), 3).bytes());
        Files.write(dir.resolve("2.safetensors"), new Safetensors().add("a.weight", "F8_E4M3", List.of(1, 2), new byte[] {0x38, 0x40}).bytes());
        Files.writeString(dir.resolve("model.safetensors.index.json"),
                "{\"weight_map\":{\"a.weight_scale_inv\":\"1.safetensors\",\"a.weight\":\"2.safetensors\"}}");
        try (var weights = HuggingFaceWeights.open(dir)) {
            float[] values = new float[2];
            weights.get("a.weight").decode(0, 1, values, 0);
            assertArrayEquals(new float[] {3, 6}, values);
        }
    }

    @Test
    void oneThatLacksItsScale() {
        var file = new Safetensors().add("a.weight", "F8_E4M3", List.of(1, 2), new byte[2]).add("a.weight_scale", DType.F32, List.of(1), 3)
                .add("b.weight", "F8_E4M3", List.of(1, 2), new byte[2]);
        var e = assertThrows(FormatException.class, () -> open(file, Optional.empty()));
        assertTrue(e.getMessage().contains("tensor b.weight is of type F8_E4M3 and has no scale: neither b.weight_scale_inv nor b.weight_scale"),
                e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"2, 2 | F32", "32, 16, 1 | F32", "16, 2 | F32", "2, 3 | F32", "0, 2 | F32", "3 | F32",
        "1, 1 | I32", "1, 1 | F64", "1, 1 | U8"})
    void scalesThatDoNotFit(String shape, String type) {
        List<Integer> dims = Arrays.stream(shape.split(", ")).map(Integer::valueOf).toList();
        int count = dims.stream().reduce(1, (a, b) -> a * b);
        int width = switch (type) {
            case "F64" -> 8;
            case "U8" -> 1;
            default -> 4;
        };
        var file = new Safetensors().add("a.weight", "F8_E4M3", List.of(33, 16), new byte[33 * 16])
                .add("a.weight_scale_inv", type, dims, new byte[width * count]);
        var e = assertThrows(FormatException.class, () -> open(file, BLOCK));
        assertTrue(e.getMessage().contains("tensor a.weight_scale_inv ") && (e.getMessage().contains("has the shape " + dims + ", which does not fit")
                && e.getMessage().contains("[33, 16] in blocks of 16 x 8") || e.getMessage().contains("is of type " + type)), e.getMessage());
    }

    @Test
    void blocksOfNothing() {
        assertThrows(IllegalArgumentException.class, () -> new ScaleBlock(0, 1));
    }
}
