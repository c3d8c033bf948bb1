package io.jllm.quant.pytorch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that torch 2.15 saved. */
class PytorchFileTest {
    @TempDir
    private Path dir;

    static byte[] resource(String name) throws IOException {
        try (var in = PytorchFileTest.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        }
    }

    private Path copy(String name, String as) throws IOException {
        return Files.write(dir.resolve(as), resource(name));
    }

    private static float[] values(Tensor t) {
        float[] values = new float[(int) (t.rows() * t.cols())];
        t.decode(0, (int) t.rows(), values, 0);
        return values;
    }

    private static float[] eighths(int from, int to) {
        float[] values = new float[to - from];
        for (int i = from; i < to; i++) {
            values[i - from] = (i - 30) / 8f;
        }
        return values;
    }

    @Test
    void tensorsOfAModule() throws IOException {
        try (var file = PytorchFile.open(copy("tensors.bin", "pytorch_model.bin"))) {
            Map<String, Tensor> t = file.tensors();
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, values(t.get("weight")));
            assertEquals(2, t.get("weight").rows());
            assertArrayEquals(new float[] {-1, -2}, values(t.get("bias")));
            assertArrayEquals(eighths(0, 60), values(t.get("whole")));
            assertEquals(List.of(6L, 10L), List.of(t.get("matrix").rows(), t.get("matrix").cols()));
            assertArrayEquals(eighths(20, 40), values(t.get("rows")), "a view of a shared storage");
            assertArrayEquals(eighths(7, 11), values(t.get("middle")));
            assertEquals(DType.F16, t.get("half").type());
            assertArrayEquals(new float[] {0, 0.25f, 0.5f, 0.75f, 1}, values(t.get("half")));
            assertEquals(DType.BF16, t.get("brain").type());
            assertArrayEquals(new float[] {0, 1.5f, 3, 4.5f, 6}, values(t.get("brain")));
            assertArrayEquals(new float[] {2.5f}, values(t.get("scalar")));
            assertArrayEquals(new float[] {9, 8}, values(t.get("parameter")));
            assertEquals(List.of(0L, 4L), List.of(t.get("empty").rows(), t.get("empty").cols()));
            assertEquals(DType.F64, t.get("double").type());
            assertEquals(DType.I64, t.get("long").type());
            assertEquals(4, t.get("ones").rows());
            var infos = file.tensorInfos().stream().collect(Collectors.toMap(PytorchFile.TensorInfo::name, i -> i));
            assertEquals("BOOL", infos.get("mask").dtype());
            assertEquals(List.of(1L, 1L, 2L, 2L), infos.get("mask").shape());
            assertEquals("U8", infos.get("byte").dtype());
            assertTrue(!t.containsKey("mask") && !t.containsKey("byte") && !infos.containsKey("step") && !infos.containsKey("note"));
            assertEquals("weight", file.tensorInfos().getFirst().name());
            assertEquals(16, infos.size());
        }
        try (var file = PytorchFile.open(copy("protocol4.bin", "p4.bin"))) {
            assertArrayEquals(new float[] {1, 2}, values(file.tensors().get("a")));
            assertArrayEquals(new float[] {3}, values(file.tensors().get("b")));
        }
        try (var file = PytorchFile.open(copy("size.bin", "size.bin"))) {
            throw new AssertionError(file.tensorInfos());
        } catch (FormatException e) {
            assertTrue(e.getMessage().contains("data.pkl names torch.Size, which is not read"), e.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({"legacy.bin, is a Python pickle; as PyTorch had them before version 1.6", "transposed.bin, tensor a of shape [3; 2] is stored transposed",
        "strided.bin, tensor a of shape [3] is stored with strides [2]", "nested.bin, key state_dict holds a dictionary of tensors",
        "module.bin, data.pkl names torch.nn.modules.linear.Linear", "list.bin, has the opcode 0x5d (']')",
        "deflated.bin, is compressed (method 8)"})
    void refusedByName(String name, String words) throws IOException {
        Path file = copy(name, "pytorch_model.bin");
        var e = assertThrows(FormatException.class, () -> PytorchFile.open(file));
        assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().contains(words.replace(';', ',')), e.getMessage());
        assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
    }

    @Test
    void foldersOfThem() throws IOException {
        copy("tensors.bin", "pytorch_model.bin");
        try (var weights = HuggingFaceWeights.open(dir)) {
            assertArrayEquals(new float[] {-1, -2}, values(weights.tensor("bias")));
            var e = assertThrows(FormatException.class, () -> weights.get("mask"));
            assertTrue(e.getMessage().contains("is of type BOOL"), e.getMessage());
        }
        Files.delete(dir.resolve("pytorch_model.bin"));
        copy("tensors.bin", "pytorch_model-00001-of-00002.bin");
        copy("protocol4.bin", "pytorch_model-00002-of-00002.bin");
        Path index = dir.resolve("pytorch_model.bin.index.json");
        Files.writeString(index, "{\"weight_map\":{\"bias\":\"pytorch_model-00001-of-00002.bin\",\"a\":\"pytorch_model-00002-of-00002.bin\"}}");
        try (var weights = HuggingFaceWeights.open(dir)) {
            assertEquals(Set.of("bias", "a"), weights.names());
        }
        Files.writeString(index, "{\"weight_map\":{\"c\":\"pytorch_model-00002-of-00002.bin\"}}");
        var e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        assertTrue(e.getMessage().contains("tensor c is missing, though pytorch_model.bin.index.json"), e.getMessage());
        Files.writeString(index, "{\"weight_map\":{\"c\":\"model.safetensors\"}}");
        e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        assertTrue(e.getMessage().contains("must be the plain name of a .bin file"), e.getMessage());
        Files.delete(index);
        Files.createFile(dir.resolve("consolidated.00.pth"));
        e = assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir));
        assertTrue(e.getMessage().contains("consolidated.00.pth, in its makers' own layout, which is not read"), e.getMessage());
    }
}
