package io.jllm.quant.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Hex;
import io.jllm.quant.Tensor;
import io.jllm.quant.gguf.GgufValue.Type;
import io.jllm.quant.gguf.GgufWriter.Progress;
import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
    @TempDir
    private Path dir;

    @Test
    void readsWhatItWrote() throws IOException {
        Path file = dir.resolve("all.gguf");
        var told = new ArrayList<String>();
        GgufWriter.write(file, Samples.metadata(), Samples.tensors(), (t, done, total) -> told.add(t + " " + done + "/" + total));
        try (GgufFile open = GgufFile.open(file)) {
            assertEquals(Samples.metadata(), open.metadata().entries());
            assertEquals(List.copyOf(Samples.metadata().keySet()), List.copyOf(open.metadata().entries().keySet()));
            assertEquals(List.of("norm", "matrix", "cube", "blocks"), List.copyOf(open.names()));
            assertEquals(List.of(2L, 3L, 4L), open.tensorInfos().get(2).shape());
            Tensor cube = open.get("cube");
            assertEquals(12, cube.rows());
            assertEquals(2, cube.cols());
            assertArrayEquals(Samples.ramp(24), values(cube));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5}, values(open.get("norm")));
            assertEquals(1, open.get("norm").rows());
            assertArrayEquals(Hex.decode(DType.Q6_K, Hex.encode(DType.Q6_K, Samples.ramp(512))), values(open.get("blocks")));
            assertTrue(open.get("blocks").data().isReadOnly());
            assertTrue(open.find("none").isEmpty());
            assertThrows(IllegalArgumentException.class, () -> open.get("none"));
        }
        assertEquals(List.of("norm 20/590", "matrix 122/590", "cube 170/590", "blocks 590/590"), told);
    }

    @Test
    void alignmentIsKept() throws IOException {
        for (long alignment : new long[] {1, 8, 32, 4096}) {
            var metadata = Map.<String, GgufValue>of("general.alignment", new GgufValue.Int(Type.UINT32, alignment));
            Path file = dir.resolve("aligned.gguf");
            GgufWriter.write(file, metadata, Samples.tensors(), Progress.NONE);
            try (GgufFile open = GgufFile.open(file)) {
                for (var info : open.tensorInfos()) {
                    assertEquals(0, info.offset() % alignment);
                }
                assertArrayEquals(Samples.ramp(24), values(open.get("cube")));
            }
        }
    }

    @Test
    void vocabularyWithoutTensors() throws IOException {
        Path file = dir.resolve("vocabulary.gguf");
        GgufWriter.write(file, Samples.metadata(), List.of(), Progress.NONE);
        byte[] all = Files.readAllBytes(file);
        int end = all.length;
        while (all[end - 1] == 0) {
            end--;
        }
        // other writers leave out the padding where no data follows; the nested sample ends with the element type and zeros
        Files.write(file, Arrays.copyOf(all, end + 11));
        try (GgufFile open = GgufFile.open(file)) {
            assertEquals(Samples.metadata(), open.metadata().entries());
            assertTrue(open.names().isEmpty());
        }
    }

    @Test
    void unknownTypesAreListedButNotFound() throws IOException {
        Path file = dir.resolve("unknown.gguf");
        var odd = new TensorEntry("odd", DType.IQ4_XS, List.of(256L), out -> out.write(ByteBuffer.allocate(136)));
        GgufWriter.write(file, Map.of(), List.of(odd, Samples.tensors().getFirst()), Progress.NONE);
        byte[] all = Files.readAllBytes(file);
        all[24 + 8 + 3 + 4 + 8] = 99;
        Files.write(file, all);
        try (GgufFile open = GgufFile.open(file)) {
            assertEquals(99, open.tensorInfos().getFirst().typeId());
            assertTrue(open.tensorInfos().getFirst().type().isEmpty());
            assertEquals(List.of("norm"), List.copyOf(open.names()));
            assertTrue(open.find("odd").isEmpty());
            var e = assertThrows(FormatException.class, () -> open.get("odd"));
            assertTrue(e.getMessage().contains("odd") && e.getMessage().contains("99"), e.getMessage());
        }
    }

    @Test
    void closingTwiceIsFineAndTensorsEnd() throws IOException {
        Path file = dir.resolve("closed.gguf");
        GgufWriter.write(file, Map.of(), Samples.tensors(), Progress.NONE);
        GgufFile open = GgufFile.open(file);
        Tensor t = open.get("norm");
        open.close();
        open.close();
        assertThrows(IllegalStateException.class, () -> values(t));
    }

    @Test
    void metadataOfAnotherKindIsAnError() {
        var metadata = new GgufMetadata(Samples.metadata());
        assertEquals(0xffff_ffffL, metadata.integer("u32").orElseThrow());
        assertEquals((float) 1e-5, metadata.real("f32").orElseThrow());
        assertEquals(255, metadata.real("u8").orElseThrow());
        assertArrayEquals(new double[] {0, -1, 100, -100}, metadata.reals("array.INT8").orElseThrow());
        assertTrue(metadata.text("absent").isEmpty());
        var e = assertThrows(IllegalArgumentException.class, () -> metadata.integer("text"));
        assertTrue(e.getMessage().contains("metadata text"), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> metadata.text("u8"));
        assertThrows(IllegalArgumentException.class, () -> metadata.texts("array.f32"));
        assertThrows(IllegalArgumentException.class, () -> metadata.bool("u8"));
        assertThrows(IllegalArgumentException.class, () -> metadata.integers("array.bool"));
    }

    @Test
    void valuesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Int(Type.UINT8, 256));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Int(Type.UINT32, -1));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Int(Type.FLOAT32, 1));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Ints(Type.INT8, new long[] {128}));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Ints(Type.STRING, new long[0]));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Real(Type.INT8, 1));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Reals(Type.FLOAT32, new double[] {0.1}));
        assertThrows(IllegalArgumentException.class, () -> new GgufValue.Reals(Type.BOOL, new double[0]));
    }

    @Test
    void writerRefusesWhatNobodyCouldRead() throws IOException {
        Path file = dir.resolve("kept.gguf");
        Files.writeString(file, "as it was");
        TensorEntry norm = Samples.tensors().getFirst();
        refused(file, Map.of(), List.of(norm, norm));
        refused(file, Map.of("", new GgufValue.Bool(true)), List.of());
        refused(file, Map.of("k".repeat(65536), new GgufValue.Bool(true)), List.of());
        refused(file, Map.of("general.alignment", new GgufValue.Int(Type.UINT32, 48)), List.of());
        refused(file, Map.of("general.alignment", new GgufValue.Text("32")), List.of());
        var huge = new TensorEntry("a", DType.I8, List.of(1L << 62), out -> { });
        refused(file, Map.of(), List.of(huge, new TensorEntry("b", DType.I8, List.of(1L << 62), out -> { })));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("", DType.F32, List.of(1L), out -> { }));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("x".repeat(64), DType.F32, List.of(1L), out -> { }));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("x", DType.F32, List.of(), out -> { }));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("x", DType.F32, List.of(1L, 1L, 1L, 1L, 1L), out -> { }));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("x", DType.F32, List.of(4L, 0L), out -> { }));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("x", DType.Q4_0, List.of(16L, 2L), out -> { }));
        assertThrows(IllegalArgumentException.class, () -> new TensorEntry("x", DType.F32, List.of(1L << 40, 1L << 40), out -> { }));
        for (int bytes : new int[] {0, 19, 21}) {
            var wrong = new TensorEntry("wrong", DType.F32, List.of(5L), out -> out.write(ByteBuffer.allocate(bytes)));
            var e = assertThrows(IOException.class, () -> GgufWriter.write(file, Map.of(), List.of(wrong), Progress.NONE));
            assertTrue(e.getMessage().contains("tensor wrong has 20 bytes"), e.getMessage());
        }
        assertEquals("as it was", Files.readString(file));
        try (Stream<Path> left = Files.list(dir)) {
            assertEquals(List.of(file), left.toList());
        }
    }

    private static void refused(Path file, Map<String, GgufValue> metadata, List<TensorEntry> tensors) {
        assertThrows(IllegalArgumentException.class, () -> GgufWriter.write(file, metadata, tensors, Progress.NONE));
    }

    @Test
    void pathsThatAreNoFiles() {
        assertThrows(NoSuchFileException.class, () -> GgufFile.open(dir.resolve("absent.gguf")));
        var e = assertThrows(FormatException.class, () -> GgufFile.open(dir));
        assertTrue(e.getMessage().contains("folder"), e.getMessage());
    }

    @Test
    void aLargeVocabularyIsRead() throws IOException {
        int n = 128 * 1024;
        var metadata = new LinkedHashMap<String, GgufValue>();
        metadata.put("tokens", new GgufValue.Texts(Stream.iterate(0, i -> i + 1).limit(n).map(i -> "token" + i).toList()));
        metadata.put("types", new GgufValue.Ints(Type.INT32, new long[n]));
        Path file = dir.resolve("vocabulary.gguf");
        GgufWriter.write(file, metadata, List.of(), Progress.NONE);
        try (GgufFile open = GgufFile.open(file)) {
            assertEquals("token131071", open.metadata().texts("tokens").orElseThrow().getLast());
        }
    }

    /** A file of 3 GiB, all hole: its last tensor begins and ends beyond what an int counts. */
    @Test
    void beyondTwoGigabytes() throws IOException {
        Path file = dir.resolve("large.gguf");
        var first = Samples.tensor("first", DType.F32, List.of(2L), new float[] {1, 2});
        GgufWriter.write(file, Map.of(), List.of(first, Samples.tensor("second", DType.F32, List.of(2L), new float[] {3, 4})), Progress.NONE);
        byte[] all = Files.readAllBytes(file);
        long far = 3L << 30;
        int offsetOfSecond = 24 + (8 + 5 + 4 + 8 + 4 + 8) + 8 + 6 + 4 + 8 + 4;
        ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putLong(offsetOfSecond, far);
        int dataStart = all.length - 64;
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(all), 0);
            channel.write(ByteBuffer.wrap(Hex.encode(DType.F32, new float[] {5, 6})), dataStart + far);
        }
        try (GgufFile open = GgufFile.open(file)) {
            assertArrayEquals(new float[] {1, 2}, values(open.get("first")));
            assertArrayEquals(new float[] {5, 6}, values(open.get("second")));
        }
    }

    @Test
    void filesOfOthers() throws IOException {
        Path shared = Path.of(System.getProperty("jllm.shared", ""));
        Path models = shared.resolve("models");
        assumeTrue(!shared.toString().isEmpty() && Files.isDirectory(models), "needs models/ and tokenizers/gguf/ under -Djllm.shared");
        int seen = 0;
        try (Stream<Path> all = Stream.concat(Files.walk(models), Files.list(shared.resolve("tokenizers/gguf")))) {
            for (Iterator<Path> i = all.filter(p -> p.toString().endsWith(".gguf")).iterator(); i.hasNext(); ) {
                Path path = i.next();
                try (GgufFile file = GgufFile.open(path)) {
                    assertTrue(file.metadata().text("general.architecture").isPresent(), path.toString());
                    assertFalse(file.metadata().texts("tokenizer.ggml.tokens").orElseThrow().isEmpty());
                    assertEquals(file.tensorInfos().size(), file.names().size(), path.toString());
                }
                seen++;
            }
        }
        assertTrue(seen >= 8, seen + " files");
    }

    private static float[] values(Tensor t) {
        float[] values = new float[(int) (t.rows() * t.cols())];
        Codec.of(t.type()).orElseThrow().decode(t.data(), 0, values, 0, values.length);
        return values;
    }
}
