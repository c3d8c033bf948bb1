package io.jllm.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import io.jllm.tokenizer.pre.PreTokenizer;
import io.jllm.tokenizer.subword.Pieces;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real vocabularies of other people, where they are at hand. */
class SharedVocabulariesTest {
    private static Path shared(String path) {
        String root = System.getProperty("jllm.shared", "");
        Path file = Path.of(root, path);
        assumeTrue(!root.isEmpty() && Files.exists(file), "needs " + path + " under -Djllm.shared");
        return file;
    }

    /** llama.cpp's own test files: texts between marks, and the ids of each on a line, without BOS and with special tokens as text. */
    @ParameterizedTest
    @ValueSource(strings = {"falcon", "gpt-2", "llama-spm", "phi-3"})
    void ggufVocabularies(String name) throws IOException {
        Path file = shared("tokenizers/gguf/ggml-vocab-" + name + ".gguf");
        String[] texts = Files.readString(Path.of(file + ".inp")).split("\n__ggml_vocab_test__\n"); // a mark ends the last one too
        List<String> lines = Files.readString(Path.of(file + ".out")).lines().toList();
        assertEquals(lines.size(), texts.length);
        try (GgufFile gguf = GgufFile.open(file); Tokenizer tokenizer = GgufTokenizers.fromGguf(gguf.metadata())) {
            for (int i = 0; i < texts.length; i++) {
                String line = lines.get(i).strip();
                int[] expected = line.isEmpty() ? new int[0] : Arrays.stream(line.split(" ")).mapToInt(Integer::parseInt).toArray();
                assertArrayEquals(expected, tokenizer.encode(texts[i], false, false), texts[i]);
                assertEquals(texts[i], tokenizer.decode(expected));
            }
        }
    }

    private static int[] ints(JsonElement json) {
        return json.getAsJsonArray().asList().stream().mapToInt(JsonElement::getAsInt).toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"deepseek_v3", "gemma3", "llama3_1", "phi-2", "qwen3", "tinyllama"})
    void huggingFaceFolders(String name) throws IOException {
        Path folder = shared("tokenizers/hf/" + name);
        JsonObject file = JsonParser.parseString(Files.readString(folder.resolve("cases.json"))).getAsJsonObject();
        try (Tokenizer tokenizer = HuggingFaceTokenizers.fromFolder(folder)) {
            for (JsonElement element : file.getAsJsonArray("cases")) {
                JsonObject c = element.getAsJsonObject();
                String text = c.get("text").getAsString();
                int[] ids = ints(c.get("ids"));
                assertArrayEquals(ids, tokenizer.encode(text, false, true), text);
                assertArrayEquals(ints(c.get("ids_special")), tokenizer.encode(text), text);
                if (c.has("ids_plain")) {
                    assertArrayEquals(ints(c.get("ids_plain")), tokenizer.encode(text, false, false), text);
                }
                String decoded = c.get("decoded").getAsString();
                for (int id : ids) { // the cases were decoded with special tokens, which have no text here
                    decoded = tokenizer.isSpecial(id) ? decoded.replace(tokenizer.token(id), "") : decoded;
                }
                boolean beginsSpecial = ids.length > 0 && tokenizer.isSpecial(ids[0]);
                assertEquals(beginsSpecial && decoded.startsWith(" ") ? decoded.substring(1) : decoded, tokenizer.decode(ids));
            }
        }
    }

    @Test
    void theSameModelInBothFormats() throws IOException {
        Path heldOut = shared("text/heldout-fairytales.txt");
        String text = Files.readString(heldOut);
        Path models = heldOut.getParent().resolveSibling("models/fairytale-23m");
        try (Tokenizer folder = HuggingFaceTokenizers.fromFolder(models.resolve("hf"));
                GgufFile file = GgufFile.open(models.resolve("fairytale-23m-Q4_0.gguf"));
                Tokenizer gguf = GgufTokenizers.fromGguf(file.metadata())) {
            int[] ids = folder.encode(text);
            assertArrayEquals(ids, gguf.encode(text));
            assertEquals(text, gguf.decode(ids));
            assertEquals(0, ids[0]);
            assertEquals(Set.of(0), folder.eos());
            assertEquals(Set.of(0), gguf.eos());
            assertArrayEquals(new int[] {0, 5813, 612, 259, 577, 460, 309, 259}, folder.encode("Once upon a time there was a"));
        }
    }

    @Test
    void tinyStories() throws IOException {
        Path folder = shared("models/TinyStories-656K");
        try (Tokenizer tokenizer = HuggingFaceTokenizers.fromFolder(folder);
                GgufFile file = GgufFile.open(folder.resolve("TinyStories-656K-F32.gguf"));
                Tokenizer gguf = GgufTokenizers.fromGguf(file.metadata())) {
            int[] ids = {1, 80, 147, 201, 282, 57};
            assertArrayEquals(ids, tokenizer.encode("Once upon a time"));
            assertArrayEquals(ids, gguf.encode("Once upon a time"));
            assertEquals("Once upon a time", tokenizer.decode(ids));
            assertEquals("Once upon a time", gguf.decode(ids));
            assertEquals(Set.of(2), tokenizer.eos());
            assertTrue(tokenizer.addsBos() && gguf.addsBos());
        }
    }

    /** The first Qwen has the vocabulary of the third, in a file of another form. */
    @Test
    void theFirstQwensFile(@TempDir Path folder) throws IOException {
        Path real = shared("tokenizers/hf/qwen3");
        JsonObject vocab = model(real).getAsJsonObject("vocab");
        String[] lines = new String[vocab.size()];
        vocab.entrySet().forEach(e -> lines[e.getValue().getAsInt()] = Base64.getEncoder().encodeToString(Pieces.byteLevel(e.getKey())));
        StringBuilder text = new StringBuilder();
        for (int rank = 0; rank < lines.length; rank++) {
            text.append(lines[rank]).append(' ').append(rank).append('\n');
        }
        Files.writeString(folder.resolve("qwen.tiktoken"), text);
        assertSame(real, folder, Set.of(151643, 151645));
    }

    @ParameterizedTest
    @ValueSource(strings = {"phi-2", "qwen3"})
    void vocabularyAndMergesInFilesOfTheirOwn(String name, @TempDir Path folder) throws IOException {
        Path real = shared("tokenizers/hf/" + name);
        JsonObject model = model(real);
        Files.writeString(folder.resolve("vocab.json"), model.get("vocab").toString());
        StringBuilder merges = new StringBuilder("#version: 0.2\n");
        for (JsonElement merge : model.getAsJsonArray("merges")) {
            merges.append(merge.isJsonArray() ? merge.getAsJsonArray().get(0).getAsString() + " " + merge.getAsJsonArray().get(1).getAsString()
                    : merge.getAsString()).append('\n');
        }
        Files.writeString(folder.resolve("merges.txt"), merges);
        Files.copy(real.resolve("tokenizer_config.json"), folder.resolve("tokenizer_config.json"));
        assertSame(real, folder, HuggingFaceTokenizers.fromFolder(real).eos());
    }

    private static JsonObject model(Path folder) throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve("tokenizer.json"))).getAsJsonObject().getAsJsonObject("model");
    }

    private static void assertSame(Path expected, Path folder, Set<Integer> ends) {
        Random random = new Random(7);
        try (Tokenizer tokenizer = HuggingFaceTokenizers.fromFolder(folder); Tokenizer real = HuggingFaceTokenizers.fromFolder(expected)) {
            for (int i = 0; i < 400; i++) {
                String text = RandomText.of(random, 1 + random.nextInt(200));
                assertArrayEquals(real.encode(text, false, true), tokenizer.encode(text, false, true), text);
            }
            assertEquals(ends, tokenizer.eos());
        }
    }

    /** Each name in the table of llama.cpp's is known, and takes a piece whole where it says so. */
    @Test
    void namesOfPreTokenizers() throws IOException {
        JsonObject table = JsonParser.parseString(Files.readString(shared("tokenizers/pre_tokenizers.json"))).getAsJsonObject().getAsJsonObject("pre");
        assertEquals(PreTokenizer.names(), table.keySet());
        table.entrySet().forEach(e -> assertEquals(e.getValue().getAsJsonObject().get("ignore_merges").getAsBoolean(),
                PreTokenizer.named(e.getKey()).whole() == PreTokenizer.Whole.ALL, e.getKey()));
    }
}
