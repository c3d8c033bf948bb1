package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.ModelLoadException;
import io.jllm.load.ModelFiles;
import io.jllm.load.TinyGguf;
import io.jllm.model.GoldenModel;
import io.jllm.model.RowOrder;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.spi.ReferenceRunner;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

class ConverterTest {
    @TempDir
    Path folder;

    private static final class Notes implements Converter.Progress {
        final List<String> written = new ArrayList<>();
        final List<String> notes = new ArrayList<>();
        long done;
        long total;

        @Override
        public void written(String tensor, long bytesDone, long bytesTotal) {
            assertTrue(bytesDone > done, tensor);
            written.add(tensor);
            done = bytesDone;
            total = bytesTotal;
        }

        @Override
        public void note(String message) {
            notes.add(message);
        }
    }

    /** Tensors of every kind that the choice of formats tells apart. */
    private Path wide(boolean tied) throws IOException {
        var file = new TinyGguf();
        file.tensors.clear();
        file.matrix("token_embd.weight", 4, 256).matrix("blk.0.attn_q.weight", 4, 256).matrix("blk.0.attn_q_norm.weight", 4, 256)
                .matrix("blk.0.ffn_down.weight", 4, 96).matrix("blk.0.ffn_up.weight", 4, 40).vector("blk.0.attn_norm.weight", 256)
                .vector("blk.0.attn_q.bias", 256).matrix("blk.0.ffn_gate_inp.weight", 4, 256);
        return (tied ? file : file.matrix("output.weight", 4, 256)).write(folder.resolve("wide.gguf"));
    }

    private Map<String, DType> types(Path model, Converter.Options options, Converter.Progress progress) throws IOException {
        var out = folder.resolve("out.gguf");
        Converter.convert(model, out, options, progress);
        try (var file = GgufFile.open(out)) {
            var types = new TreeMap<String, DType>();
            file.names().forEach(n -> types.put(n.replace("blk.0.", "").replace(".weight", ""), file.get(n).type()));
            return types;
        }
    }

    @ParameterizedTest
    @CsvSource({
        // type, pure, tied: token_embd, output, attn_q, ffn_down (rows of 96), ffn_up (rows of 40)
        "Q4_0, false, true, Q6_K, , Q4_0, Q4_0, F16", "Q4_0, false, false, Q4_0, Q6_K, Q4_0, Q4_0, F16",
        "Q4_0, true, true, Q4_0, , Q4_0, Q4_0, F16", "Q4_0, true, false, Q4_0, Q4_0, Q4_0, Q4_0, F16",
        "Q8_0, false, true, Q8_0, , Q8_0, Q8_0, F16", "Q6_K, false, false, Q6_K, Q6_K, Q6_K, Q8_0, F16",
        "Q4_1, false, true, Q6_K, , Q4_1, Q4_1, F16", "Q5_0, false, false, Q5_0, Q6_K, Q5_0, Q5_0, F16", "Q5_1, true, true, Q5_1, , Q5_1, Q5_1, F16",
        "Q3_K, false, true, Q6_K, , Q3_K, Q4_0, F16", "Q3_K, true, false, Q3_K, Q3_K, Q3_K, Q4_0, F16",
        "Q2_K, false, false, Q2_K, Q6_K, Q2_K, Q4_0, F16", "Q2_K, true, true, Q2_K, , Q2_K, Q4_0, F16",
        "F16, false, true, F16, , F16, F16, F16", "BF16, false, true, BF16, , BF16, BF16, BF16", "F32, false, true, F32, , F32, F32, F32",
    })
    void formatsAreThoseOfLlamaQuantize(DType type, boolean pure, boolean tied, DType embedding, DType output, DType q, DType down,
            DType up) throws IOException {
        var notes = new Notes();
        var types = types(wide(tied), Converter.Options.of(type).pure(pure), notes);
        assertEquals(embedding, types.get("token_embd"));
        assertEquals(output, types.get("output"));
        assertEquals(q, types.get("attn_q"));
        assertEquals(down, types.get("ffn_down"));
        assertEquals(up, types.get("ffn_up"));
        for (var small : List.of("attn_q_norm", "attn_norm", "attn_q.bias", "ffn_gate_inp")) {
            assertEquals(DType.F32, types.get(small), small);
        }
        assertEquals(type.isQuantized() ? type.blockElements() == 256 ? 2 : 1 : 0, notes.notes.size(), notes.notes.toString());
        assertTrue(!type.isQuantized() || notes.notes.toString().contains("blk.0.ffn_up.weight has rows of 40 values, which do not fill "
                + "blocks of " + type.blockElements() + " (" + type + "): it is written as F16"), notes.notes.toString());
    }

    @Test
    void twoBitsAreMixedWithThree() throws IOException {
        var file = new TinyGguf();
        file.tensors.clear();
        file.matrix("token_embd.weight", 4, 256).matrix("output.weight", 4, 256);
        var three = List.of("ffn_down", "ffn_down_exps", "attn_output", "attn_v", "attn_qkv", "attn_kv_b");
        var two = List.of("ffn_up", "ffn_gate", "attn_q", "attn_k");
        for (var name : three) {
            file.matrix("blk.0." + name + ".weight", 4, 256);
        }
        for (var name : two) {
            file.matrix("blk.0." + name + ".weight", 4, 256);
        }
        var model = file.write(folder.resolve("in.gguf"));
        var mixed = types(model, Converter.Options.of(DType.Q2_K), new Notes());
        var pure = types(model, Converter.Options.of(DType.Q2_K).pure(true), new Notes());
        three.forEach(n -> assertEquals(DType.Q3_K, mixed.get(n), n));
        two.forEach(n -> assertEquals(DType.Q2_K, mixed.get(n), n));
        assertTrue(pure.values().stream().allMatch(DType.Q2_K::equals), pure.toString());
    }

    @Test
    void someTensorsGetOtherFormats() throws IOException {
        var own = List.of(TensorType.parse("attn_q\\.weight$=q5_1"), TensorType.parse("ffn_(up|down)=IQ4_XS"), TensorType.parse("attn_q=F16"));
        for (boolean pure : new boolean[] {false, true}) {
            var types = types(wide(false), Converter.Options.of(FileType.Q4_K_M).pure(pure).tensorTypes(own), new Notes());
            assertEquals(DType.Q5_1, types.get("attn_q"));
            assertEquals(DType.IQ4_NL, types.get("ffn_down")); // rows of 96
            assertEquals(DType.F16, types.get("ffn_up")); // rows of 40
            assertEquals(pure ? DType.Q4_K : DType.Q6_K, types.get("output"));
            assertEquals(DType.F32, types.get("attn_q_norm"));
        }
        for (var wrong : List.of("attn_q", "=Q4_0", "attn_q=", "attn_q=Q9", "attn_q=IQ2_XS", "a(=Q4_0")) {
            var e = assertThrows(IllegalArgumentException.class, () -> TensorType.parse(wrong));
            assertTrue(e.getMessage().contains(wrong) || e.getMessage().contains("\"a(\" is no regular expression: Unclosed group"), e.getMessage());
        }
    }

    @Test
    void namesOfFileTypes() {
        assertEquals(FileType.Q4_K_M, FileType.named("q4_k").orElseThrow());
        assertEquals(FileType.Q3_K_M, FileType.named("Q3_K").orElseThrow());
        assertEquals(FileType.Q4_K_S, FileType.named("Q4_K_S").orElseThrow());
        assertTrue(FileType.named("IQ2_XS").isEmpty());
        assertEquals(FileType.Q5_K_S, FileType.of(DType.Q5_K));
        assertEquals(FileType.Q2_K, FileType.of(DType.Q2_K));
        for (var type : FileType.all()) {
            assertEquals(type, FileType.named(type.name()).orElseThrow());
        }
        assertEquals(FileType.all().size(), FileType.all().stream().map(FileType::number).distinct().count());
    }

    @Test
    void importancesThatDoNotFit() throws IOException {
        var in = wide(false);
        var out = folder.resolve("out.gguf");
        var few = Map.of("blk.0.attn_q.weight", new float[128]);
        var notes = new Notes();
        fails(in, out, Converter.Options.of(FileType.Q4_K_M).importance(new ImportanceMatrix("few.dat", List.of(), 0, few)),
                "tensor blk.0.attn_q.weight has 256 columns; few.dat has importances for 128: it is of another model");
        fails(in, out, Converter.Options.of(FileType.Q2_K_S), "tensor blk.0.attn_q.weight of a file of type Q2_K_S is written in Q2_K, and needs "
                + "importances of its columns: give an importance matrix (--imatrix), or ask for Q2_K");
        var other = new ImportanceMatrix("other.dat", List.of(), 0, Map.of("blk.0.ffn_down.weight", new float[96]));
        fails(in, out, Converter.Options.of(FileType.Q2_K_S).importance(other), ", which other.dat does not have");
        Converter.convert(in, out, Converter.Options.of(FileType.Q4_K_M).importance(other), notes);
        assertTrue(notes.notes.contains("tensor blk.0.attn_q.weight is not in other.dat: all its columns count alike"), notes.notes.toString());
        assertTrue(notes.notes.stream().noneMatch(n -> n.contains("output.weight is not")), notes.notes.toString());
    }

    /** Each expert is written with importances of its own, as if it stood alone. */
    @Test
    void expertsHaveImportancesOfTheirOwn() throws IOException {
        var random = new Random(5);
        var values = new float[2 * 3 * 256];
        var counts = new float[2 * 256];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < counts.length; i++) {
            counts[i] = random.nextInt(1, 1000);
        }
        var name = "blk.0.ffn_up_exps.weight";
        var data = MemorySegment.ofArray(values);
        var item = new Checkpoint.Item(new Tensor(name, DType.F32, 6, 256, data), List.of(256L, 3L, 2L), RowOrder.KEPT);
        var written = new ByteArrayOutputStream();
        try (var pool = Executors.newFixedThreadPool(2)) {
            new TensorCopy(item, DType.Q4_K, counts).write(Channels.newChannel(written), pool, 2);
        }
        var want = new byte[6 * 144];
        for (int expert = 0; expert < 2; expert++) {
            Encoder.of(DType.Q4_K).orElseThrow().encode(values, expert * 768, 768, Arrays.copyOfRange(counts, expert * 256, expert * 256 + 256),
                    MemorySegment.ofArray(want), expert * 3 * 144);
        }
        assertArrayEquals(want, written.toByteArray());
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

    @Test
    void valuesThatDoNotFit() throws IOException {
        var in = new TinyGguf().matrix("token_embd.weight", 2, 32, values(70_000)).matrix("output.weight", 2, 32, values(1))
                .write(folder.resolve("in.gguf"));
        var out = folder.resolve("out.gguf");
        fails(in, out, DType.F16, "tensor token_embd.weight holds 70000.0 in place 5; F16 holds numbers up to 65504.0: BF16 holds more");
        Converter.convert(in, out, Converter.Options.of(DType.BF16), Converter.Progress.NONE);
        Files.delete(out);
        new TinyGguf().matrix("token_embd.weight", 2, 32, values(Float.NaN)).write(in);
        fails(in, out, DType.Q4_0, "tensor token_embd.weight holds NaN in place 5");
        try (var left = Files.list(folder)) {
            assertEquals(List.of(in), left.toList());
        }
    }

    private static float[] values(float odd) {
        var values = new float[64];
        values[5] = odd;
        return values;
    }

    private static void fails(Path in, Path out, DType type, String message) {
        fails(in, out, Converter.Options.of(type), message);
    }

    private static void fails(Path in, Path out, Converter.Options options, String message) {
        var e = assertThrows(ModelLoadException.class, () -> Converter.convert(in, out, options, Converter.Progress.NONE));
        assertTrue(e.getMessage().contains(message), e.getMessage());
        assertFalse(Files.exists(out));
    }

    @Test
    void brokenFoldersNameEveryProblem() throws IOException {
        var dir = GoldenModel.unpack("llama-grouped", "config.json", folder);
        var config = Files.readString(dir.resolve("config.json"));
        var out = folder.resolve("out.gguf");
        Files.writeString(dir.resolve("config.json"), config.replaceFirst("\"num_hidden_layers\": \\d+", "\"num_hidden_layers\": 4000"));
        fails(dir, out, DType.F32, "tensor blk.2.attn_norm.weight");
        fails(dir, out, DType.F32, " more");
        Files.writeString(dir.resolve("config.json"), config.replaceFirst("\"vocab_size\": \\d+", "\"vocab_size\": 1000000"));
        fails(dir, out, DType.F32, "tensor token_embd.weight is ");
    }

    @Test
    void pathsThatCannotBe() throws IOException {
        var in = new TinyGguf().write(folder.resolve("in.gguf"));
        var options = Converter.Options.of(DType.F16);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Converter.convert(in, in, options, Converter.Progress.NONE))
                .getMessage().contains("is the model itself"));
        assertTrue(assertThrows(IOException.class, () -> Converter.convert(in, folder, options, Converter.Progress.NONE))
                .getMessage().contains("it is a folder"));
        assertTrue(assertThrows(IOException.class, () -> Converter.convert(in, folder.resolve("no/out.gguf"), options,
                Converter.Progress.NONE)).getMessage().contains("its folder does not exist"));
        fails(folder.resolve("none"), folder.resolve("out.gguf"), DType.F16, "there is no file");
    }

    @Test
    void optionsOutOfRange() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Converter.Options.of(DType.IQ2_XS)).getMessage()
                .contains("models cannot be written as IQ2_XS; supported are [F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q5_K_S, "));
        assertThrows(IllegalArgumentException.class, () -> Converter.Options.of(DType.F16).threads(0));
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

    private static Map<String, Long> more(GgufFile file, GgufFile than) {
        var more = new TreeMap<String, Long>();
        file.metadata().entries().forEach((k, v) -> {
            if (!than.metadata().entries().containsKey(k)) {
                more.put(k, file.metadata().integer(k).orElseThrow());
            }
        });
        return more;
    }
}
