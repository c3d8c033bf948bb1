package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.load.ModelFiles;
import io.jllm.load.TinyGguf;
import io.jllm.model.GoldenModel;
import io.jllm.model.RowOrder;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.spi.ReferenceRunner;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** What is kept of a model that is written anew. */
class ConverterTest extends ConverterCase {
    private static Map<String, Long> more(GgufFile file, GgufFile than) {
        var more = new TreeMap<String, Long>();
        file.metadata().entries().forEach((k, v) -> {
            if (!than.metadata().entries().containsKey(k)) {
                more.put(k, file.metadata().integer(k).orElseThrow());
            }
        });
        return more;
    }

    @Test
    void metadataIsKept() throws IOException {
        var tiny = new TinyGguf().integer("some.key", 7).integer("general.file_type", 0);
        var out = folder.resolve("out.gguf");
        var notes = new Notes();
        Converter.convert(tiny.write(folder.resolve("in.gguf")), out, Converter.Options.of(DType.Q8_0).text("general.name", "Tiny")
                .text("general.license", "apache-2.0"), notes);
        try (var file = GgufFile.open(out)) {
            var want = new TreeMap<>(tiny.keys);
            want.put("general.name", new GgufValue.Text("Tiny"));
            want.put("general.license", new GgufValue.Text("apache-2.0"));
            want.put("general.file_type", new GgufValue.Int(GgufValue.Type.UINT32, 7));
            want.put("general.quantization_version", new GgufValue.Int(GgufValue.Type.UINT32, 2));
            assertEquals(want, new TreeMap<>(file.metadata().entries()));
            assertEquals(new ArrayList<>(file.names()), notes.written);
            assertEquals(file.names().stream().mapToLong(n -> file.get(n).data().byteSize()).sum(), notes.total);
            assertEquals(notes.total, notes.done);
        }
    }

    @Test
    void threadsChangeNothing() throws IOException {
        var in = new TinyGguf().matrix("token_embd.weight", 9_000, 64).write(folder.resolve("in.gguf"));
        var files = new ArrayList<byte[]>();
        for (int threads : new int[] {1, 3}) {
            var out = folder.resolve(threads + ".gguf");
            Converter.convert(in, out, Converter.Options.of(DType.Q4_0).pure(true).threads(threads), Converter.Progress.NONE);
            files.add(Files.readAllBytes(out));
        }
        assertArrayEquals(files.get(0), files.get(1));
    }

    @Test
    void quantisedFilesCanBeQuantisedAgain() throws IOException {
        var q8 = folder.resolve("q8.gguf");
        Converter.convert(wide(false), q8, Converter.Options.of(DType.Q8_0), Converter.Progress.NONE);
        assertEquals(DType.Q4_0, types(q8, Converter.Options.of(DType.Q4_0), Converter.Progress.NONE).get("attn_q"));
        var same = folder.resolve("same.gguf");
        Converter.convert(q8, same, Converter.Options.of(DType.Q8_0), Converter.Progress.NONE);
        assertEquals(-1, Files.mismatch(q8, same));
    }

    /** Whole models are compared by the program contract; here it is what the file says. */
    @ParameterizedTest
    @FieldSource("io.jllm.model.GoldenModel#NAMES")
    void foldersKeepTheirConfiguration(String name) throws IOException {
        var dir = GoldenModel.unpack(name, "config.json", folder);
        var out = folder.resolve("out.gguf");
        Converter.convert(dir, out, Converter.Options.of(DType.F32), new Notes());
        try (var a = ModelFiles.open(dir); var b = ModelFiles.open(out)) {
            var x = a.config();
            var y = b.config();
            assertEquals(x.windows(), y.windows());
            assertEquals(x.biases(), y.biases());
            assertEquals(x.shape(), y.shape());
            assertEquals(List.of(x.layers(), x.hidden(), x.ffn(), x.vocab(), x.maxContext(), x.normEps(), x.tiedEmbeddings()),
                    List.of(y.layers(), y.hidden(), y.ffn(), y.vocab(), y.maxContext(), y.normEps(), y.tiedEmbeddings()));
            for (int i = 0; i < x.rope().invFreq().length; i++) {
                assertEquals(x.rope().invFreq()[i], y.rope().invFreq()[i], Math.ulp(x.rope().invFreq()[i]));
            }
            var up = "blk.1.ffn_up.weight";
            assertArrayEquals(ReferenceRunner.floats(a.weights().tensor(up)), ReferenceRunner.floats(b.weights().tensor(up)));
        }
    }

    @Test
    void rowsOfAHeadAreInterleaved() {
        var order = new RowOrder(6);
        var rows = new ArrayList<Long>();
        for (long r = 0; r < 12; r++) {
            rows.add(order.source(r));
        }
        assertEquals(List.of(0L, 3L, 1L, 4L, 2L, 5L, 6L, 9L, 7L, 10L, 8L, 11L), rows);
    }

    /** llama.cpp's file of the same checkpoint, byte for byte. */
    @Test
    void fairytaleIsLlamaCppsFile() throws IOException {
        var shared = System.getProperty("jllm.shared", "");
        var model = Path.of(shared, "models", "fairytale-23m");
        assumeTrue(!shared.isEmpty() && Files.isDirectory(model), "needs models/fairytale-23m under -Djllm.shared");
        var out = folder.resolve("out.gguf");
        Converter.convert(model.resolve("hf"), out, Converter.Options.of(DType.Q4_0).text("general.name", "fairytale-23m"), new Notes());
        assertEquals(-1, Files.mismatch(model.resolve("fairytale-23m-Q4_0.gguf"), out));
    }

    /** The tokenizer too: a SentencePiece one, and an embedding table that is stored as the output matrix. */
    @Test
    void tinyStoriesIsTheSameModel() throws IOException {
        var shared = System.getProperty("jllm.shared", "");
        var model = Path.of(shared, "models", "TinyStories-656K");
        assumeTrue(!shared.isEmpty() && Files.isDirectory(model), "needs models/TinyStories-656K under -Djllm.shared");
        var out = folder.resolve("out.gguf");
        Converter.convert(model, out, Converter.Options.of(DType.F32), new Notes());
        try (var ours = GgufFile.open(out); var theirs = GgufFile.open(model.resolve("TinyStories-656K-F32.gguf"))) {
            var scores = "tokenizer.ggml.scores"; // theirs has a negative zero
            assertArrayEquals(theirs.metadata().reals(scores).orElseThrow(), ours.metadata().reals(scores).orElseThrow(), 0);
            for (var e : theirs.metadata().entries().entrySet()) {
                assertTrue(e.getKey().equals(scores) || e.getValue().equals(ours.metadata().entries().get(e.getKey())), e.getKey());
            }
            assertEquals(new TreeMap<>(Map.of("tokenizer.ggml.padding_token_id", 0L, "general.quantization_version", 2L)),
                    more(ours, theirs));
            for (var name : theirs.names()) {
                assertEquals(-1, MemorySegment.ofArray(theirs.get(name).data().toArray(ValueLayout.JAVA_BYTE))
                        .mismatch(ours.get(name).data()), name);
            }
        }
    }
}
