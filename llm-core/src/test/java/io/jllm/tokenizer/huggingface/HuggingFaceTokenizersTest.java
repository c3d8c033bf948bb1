package io.jllm.tokenizer.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.jllm.ModelLoadException;
import io.jllm.tokenizer.Golden;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

class HuggingFaceTokenizersTest {
    static final List<String> FOLDERS = Golden.FOLDERS;

    @TempDir
    Path folder;

    @ParameterizedTest
    @FieldSource("FOLDERS")
    void idsAreThoseOfHuggingFace(String name) {
        try (Tokenizer tokenizer = HuggingFaceTokenizers.fromFolder(Golden.folder(name))) {
            for (Golden.Case c : Golden.cases(name)) {
                assertArrayEquals(c.ids(), tokenizer.encode(c.text(), false, true), () -> name + " " + c);
                assertArrayEquals(c.idsWithoutSpecial(), tokenizer.encode(c.text(), false, false), () -> name + " plain " + c);
                // Metaspace of Hugging Face takes all spaces of a first token away, and a text does not come back.
                String decoded = name.equals("metaspace") ? c.decoded().stripLeading() : c.decoded();
                String ours = tokenizer.decode(c.ids());
                assertEquals(decoded, name.equals("metaspace") ? ours.stripLeading() : ours, () -> name + " " + c);
            }
        }
    }

    @Test
    void whatGoesAroundAPrompt() {
        try (Tokenizer template = HuggingFaceTokenizers.fromFolder(Golden.folder("byte-level"))) {
            for (Golden.Case c : Golden.cases("byte-level")) {
                assertArrayEquals(c.idsWithBos(), template.encode(c.text()), "by the post-processor");
            }
            assertTrue(template.addsBos());
            assertEquals(OptionalInt.of(0), template.bos());
            assertEquals(Set.of(1), template.eos());
        }
        try (Tokenizer flags = HuggingFaceTokenizers.fromFolder(Golden.folder("sentence-piece"))) {
            int[] ids = flags.encode("the", false, true);
            assertArrayEquals(IntStream.concat(IntStream.of(ids), IntStream.of(2)).toArray(), flags.encode("the"), "by add_eos_token");
            assertFalse(flags.addsBos());
        }
    }

    private JsonObject copyOf(String name) throws IOException {
        return JsonParser.parseString(Files.readString(Golden.folder(name).resolve("tokenizer.json"))).getAsJsonObject();
    }

    private void write(String name, JsonElement json) throws IOException {
        Files.writeString(folder.resolve(name), json.toString().replace("\ud83d", "\\ud83d"));
    }

    private Tokenizer load() {
        return HuggingFaceTokenizers.fromFolder(folder);
    }

    @Test
    void configurationsSayMore() throws IOException {
        write("tokenizer.json", copyOf("byte-level"));
        Files.writeString(folder.resolve("config.json"), "{\"eos_token_id\": 7}");
        try (Tokenizer tokenizer = load()) {
            assertEquals(OptionalInt.of(0), tokenizer.bos(), "what the template puts first");
            assertEquals(Set.of(7), tokenizer.eos());
        }
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [1, 5]}");
        Files.writeString(folder.resolve("special_tokens_map.json"), "{\"eos_token\": {\"content\": \"<|pad|>\"}, \"bos_token\": \"<|eos|>\"}");
        try (Tokenizer tokenizer = load()) {
            int pad = tokenizer.encode("<|pad|>", false, true)[0];
            assertEquals(Set.of(1, 5, pad), tokenizer.eos());
            assertEquals(OptionalInt.of(1), tokenizer.bos());
        }
        Files.writeString(folder.resolve("tokenizer_config.json"), """
                {"add_bos_token": true, "bos_token": "<|bos|>", "add_eos_token": null,
                 "added_tokens_decoder": {"900": {"content": "<new>", "special": true}, "400": {"content": "ood", "special": false}}}""");
        try (Tokenizer tokenizer = load()) {
            assertEquals(Set.of(1, 5), tokenizer.eos(), "the older file is not read beside added_tokens_decoder");
            assertEquals(OptionalInt.of(0), tokenizer.bos());
            int last = tokenizer.vocabSize() - 1;
            assertArrayEquals(new int[] {0, last}, tokenizer.encode("<new>"), "numbered by its place");
            assertTrue(tokenizer.isSpecial(last));
        }
    }

    @Test
    void addedTokensMayHoldMarkedSpaces() throws IOException {
        JsonObject json = copyOf("sentence-piece");
        json.getAsJsonArray("added_tokens").add(JsonParser.parseString("{\"id\": 500, \"content\": \"\u2581\u2581\u2581\", \"normalized\": false}"));
        write("tokenizer.json", json);
        try (Tokenizer tokenizer = load()) {
            assertEquals("the   ", tokenizer.decode(IntStream.concat(IntStream.of(tokenizer.encode("the", false, true)),
                    IntStream.of(tokenizer.vocabSize() - 1)).toArray()));
        }
    }

    /** What files suggest never keeps a model from loading. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"generation_config.json | {\"eos_token_id\": -1}", "generation_config.json | []",
        "config.json | {\"eos_token_id\": \"</s>\"}", "config.json | {\"eos_token_id\": [-1, 1e30]}", "generation_config.json | <html>"})
    void endsThatAreNoneAreIgnored(String file, String content) throws IOException {
        write("tokenizer.json", copyOf("byte-level"));
        Files.writeString(folder.resolve(file), content);
        try (Tokenizer tokenizer = load()) {
            assertEquals(Set.of(), tokenizer.eos());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "tokenizer_config.json  | {\"add_bos_token\": \"yes\"}           | add_bos_token must be true or false",
        "tokenizer_config.json  | {\"eos_token\": {\"text\": \"a\"}}     | eos_token has no content",
        "tokenizer_config.json  | {\"added_tokens_decoder\": {\"x\":{}}} | added_tokens_decoder: x is no token id",
        "tokenizer_config.json  | {\"added_tokens_decoder\": {\"99999999999\":{}}} | added_tokens_decoder: 99999999999 is no token id",
        "tokenizer.json         | {                                      | is not valid JSON",
        "tokenizer.json         | {}                                     | model is missing",
        "tokenizer.json         | {\"model\": {\"type\": \"WordPiece\"}} | model: type is \"WordPiece\", a kind of tokenizer",
        "tokenizer.json         | {\"model\": {\"type\": \"BPE\"}}       | model: vocab is missing",
        "tokenizer.json         | {\"model\": {\"type\": \"Unigram\", \"vocab\": {}}} | model: vocab must be a list of pieces",
        "tokenizer.json         | {\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", \"b\"]]}} | holds [\"a\",\"b\"] at 0: it must be a piece",
        "tokenizer.json         | {\"decoder\": {\"type\": \"Metaspace\"}, \"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", -1]]}} | unk_id is missing",
        "tokenizer.json         | {\"decoder\": {\"type\": \"Metaspace\"}, \"model\": {\"type\": \"Unigram\", \"unk_id\": 1, \"vocab\": [[\"a\", -1]]}} | unk_id",
        "tokenizer.json         | {\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 2000000000}}} | model: vocab: a",
        "tokenizer.json         | {\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 16000000}, \"merges\": []}} | vocab has the id 16000000; with 1 tokens",
        "tokenizer.json         | {\"model\": {\"type\": \"BPE\", \"vocab\": {}}} | model: vocab is empty",
    })
    void brokenFilesAreRefused(String file, String content, String message) throws IOException {
        write("tokenizer.json", copyOf("byte-level"));
        Files.writeString(folder.resolve(file), content);
        ModelLoadException e = assertThrows(ModelLoadException.class, () -> load().close());
        assertTrue(e.getMessage().contains(message) && e.getMessage().contains(file), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "model/continuing_subword_prefix | \"##\" | continuing_subword_prefix is \"##\"",
        "model/unk_token                 | \"<nowhere>\" | unk_token is \"<nowhere>\", which is not in vocab",
        "model/merges                    | [\"a b c\"] | a merge is two tokens",
        "model/merges                    | [\"zz yy\"] | \"zz\" is not in vocab",
        "model/merges                    | 7 | merges must be a list",
        "normalizer                      | {\"type\": \"Precompiled\"} | precompiled_charsmap is missing",
        "normalizer                      | {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"!\"} | precompiled_charsmap is not in base 64",
        "normalizer                      | {\"type\": \"Other\"} | type is \"Other\", which is not known here",
        "pre_tokenizer                   | {\"type\": \"Magic\"} | type is \"Magic\"",
        "pre_tokenizer                   | {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(((\"}, \"behavior\": \"Isolated\"} | the regular expression ((( cannot be read",
        "decoder                         | {\"type\": \"CTC\"} | type is \"CTC\"",
        "decoder                         | {\"type\": \"Fuse\"} | decoder makes no spaces",
        "post_processor                  | {\"type\": \"Magic\"} | post_processor: type is \"Magic\"",
        "post_processor                  | {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"q\"}}]} | lacks \"q\"",
    })
    void wrongStepsAreRefused(String path, String value, String message) throws IOException {
        JsonObject json = copyOf("byte-level");
        String[] keys = path.split("/");
        (keys.length == 2 ? json.getAsJsonObject(keys[0]) : json).add(keys[keys.length - 1], JsonParser.parseString(value));
        write("tokenizer.json", json);
        ModelLoadException e = assertThrows(ModelLoadException.class, () -> load().close());
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void aFolderWithoutTokenizerIsRefused() {
        ModelLoadException e = assertThrows(ModelLoadException.class, () -> load().close());
        assertTrue(e.getMessage().contains("tokenizer.json is missing"), e.getMessage());
    }

    /** Nonsense at any place makes one error or a tokenizer, never anything else. */
    @Test
    void nonsenseIsRefusedOrWorks() throws IOException {
        List<JsonElement> nonsense = List.of(JsonNull.INSTANCE, new JsonPrimitive(-1), new JsonPrimitive(1e300), new JsonPrimitive(true),
                new JsonPrimitive(""), new JsonPrimitive("Sequence"), new JsonPrimitive("(((["), new JsonPrimitive("\ud83d"), new JsonArray(),
                new JsonObject(), new JsonPrimitive(99_999_999_999L), JsonParser.parseString("[[[[[[[[[[{\"type\":[]}]]]]]]]]]]"));
        Random random = new Random(3);
        int refused = 0;
        for (int n = 0; n < 300; n++) {
            JsonObject json = copyOf(Golden.FOLDERS.get(n % Golden.FOLDERS.size()));
            List<Runnable> changes = new ArrayList<>();
            collect(json, changes, () -> nonsense.get(random.nextInt(nonsense.size())));
            changes.get(random.nextInt(changes.size())).run();
            write("tokenizer.json", json);
            try (Tokenizer tokenizer = load()) {
                tokenizer.decode(tokenizer.encode("the <|bos|> \ud83e\udd99"));
            } catch (ModelLoadException e) {
                refused++;
                assertTrue(e.getMessage().contains("tokenizer.json"), e.getMessage());
            }
        }
        assertTrue(refused > 50, () -> "the nonsense does not bite");
    }

    /** Ways to spoil it: every place, but few in long lists and tables. */
    private static void collect(JsonElement json, List<Runnable> changes, Supplier<JsonElement> nonsense) {
        switch (json) {
            case JsonObject o -> o.keySet().stream().limit(12).forEach(key -> {
                changes.add(() -> o.add(key, nonsense.get()));
                changes.add(() -> o.remove(key));
                collect(o.get(key), changes, nonsense);
            });
            case JsonArray a -> IntStream.range(0, Math.min(6, a.size())).forEach(i -> {
                changes.add(() -> a.set(i, nonsense.get()));
                collect(a.get(i), changes, nonsense);
            });
            default -> { }
        }
    }
}
