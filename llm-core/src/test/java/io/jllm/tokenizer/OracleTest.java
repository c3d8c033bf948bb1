package io.jllm.tokenizer;

import static io.jllm.tokenizer.UnigramJson.object;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hugging Face's own tokenizers, in native code, and ours give the same ids of texts at random. */
class OracleTest {
    private static final String REGEX = """
            (?i:'s|'t|'re)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s+(?!\\\\S)|\\\\s+""";

    @TempDir
    Path folder;

    /** Otherwise the native library's wrapper reports its use to its makers. */
    @BeforeAll
    static void offline() {
        System.setProperty("ai.djl.offline", "true");
    }

    private static void assertSameIds(Path folder, int texts) throws IOException {
        Random random = new Random(11);
        try (Tokenizer ours = HuggingFaceTokenizers.fromFolder(folder);
                HuggingFaceTokenizer oracle = HuggingFaceTokenizer.newInstance(folder.resolve("tokenizer.json"),
                        Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"))) {
            for (int i = 0; i < texts; i++) {
                String text = RandomText.of(random, 1 + random.nextInt(200));
                int[] expected = Arrays.stream(oracle.encode(text, false, false).getIds()).mapToInt(id -> (int) id).toArray();
                assertArrayEquals(expected, ours.encode(text, false, true), () -> folder + ": \"" + text + "\"");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokenizers/hf/deepseek_v3", "tokenizers/hf/gemma3", "tokenizers/hf/llama3_1", "tokenizers/hf/phi-2",
        "tokenizers/hf/qwen3", "tokenizers/hf/tinyllama", "models/fairytale-23m/hf", "models/TinyStories-656K"})
    void realVocabularies(String name) throws IOException {
        String root = System.getProperty("jllm.shared", "");
        Path real = Path.of(root, name);
        assumeTrue(!root.isEmpty() && Files.exists(real), "needs " + name + " under -Djllm.shared");
        assertSameIds(real, 300);
    }

    private void changed(String from, String key, String value) throws IOException {
        JsonObject json = JsonParser.parseString(Files.readString(Golden.folder(from).resolve("tokenizer.json"))).getAsJsonObject();
        JsonElement element = value.isEmpty() ? JsonNull.INSTANCE : JsonParser.parseString(value);
        if (key.startsWith("model/")) {
            json.getAsJsonObject("model").add(key.substring("model/".length()), element);
        } else {
            json.add(key, element);
        }
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        assertSameIds(folder, 120);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"NFC\"", "\"NFD\"", "\"NFKC\"", "\"NFKD\"", "\"Lowercase\"", "\"StripAccents\"", "\"Nmt\"",
        "\"Strip\", \"strip_left\": true, \"strip_right\": false", "\"Strip\", \"strip_left\": true, \"strip_right\": true",
        "\"Prepend\", \"prepend\": \"the \"", "\"Replace\", \"pattern\": {\"String\": \"e\"}, \"content\": \"a$1\"",
        "\"Replace\", \"pattern\": {\"Regex\": \"[aeiou]+|\\\\d\"}, \"content\": \"the\"",
        "\"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": true",
        "\"BertNormalizer\", \"clean_text\": false, \"handle_chinese_chars\": true, \"strip_accents\": true, \"lowercase\": false",
        "\"Sequence\", \"normalizers\": [{\"type\": \"NFD\"}, {\"type\": \"StripAccents\"}, {\"type\": \"Lowercase\"}]"})
    void normalizers(String type) throws IOException {
        changed("byte-level", "normalizer", object(type));
        changed("metaspace", "normalizer", object(type));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true",
        "\"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false", "\"Digits\", \"individual_digits\": true",
        "\"Digits\", \"individual_digits\": false", "\"Punctuation\", \"behavior\": \"Isolated\"", "\"Punctuation\", \"behavior\": \"Removed\"",
        "\"Punctuation\", \"behavior\": \"MergedWithPrevious\"", "\"Punctuation\", \"behavior\": \"MergedWithNext\"",
        "\"Punctuation\", \"behavior\": \"Contiguous\"", "\"Whitespace\"", "\"WhitespaceSplit\"", "\"BertPreTokenizer\"", "\"UnicodeScripts\"",
        "\"CharDelimiterSplit\", \"delimiter\": \"e\"", "\"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"always\", \"split\": true",
        "\"Metaspace\", \"replacement\": \"\u2581\", \"prepend_scheme\": \"first\", \"split\": false",
        "\"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"never\", \"split\": true",
        "\"Split\", \"pattern\": {\"String\": \" \"}, \"behavior\": \"MergedWithPrevious\", \"invert\": false",
        "\"Split\", \"pattern\": {\"Regex\": \"" + REGEX + "\"}, \"behavior\": \"Isolated\", \"invert\": false",
        "\"Split\", \"pattern\": {\"Regex\": \"" + REGEX + "\"}, \"behavior\": \"Removed\", \"invert\": true",
        "\"Split\", \"pattern\": {\"Regex\": \"[[:upper:]\\\\h]+|\\\\p{Han}|\\\\p{^Letter}{,2}x$\"}, \"behavior\": \"Contiguous\", \"invert\": false",
        "\"Split\", \"pattern\": {\"Regex\": \"(?i:the|straße|k)\\\\b|(?m:a.)|^.\"}, \"behavior\": \"MergedWithNext\", \"invert\": false"})
    void preTokenizers(String type) throws IOException {
        changed("sentence-piece", "pre_tokenizer", object(type));
        changed("metaspace", "pre_tokenizer", object(type));
    }

    private void unigram(String name, String steps, String preTokenizer, boolean byteFallback) throws IOException {
        UnigramJson.write(name, folder, steps, preTokenizer, byteFallback);
        assertSameIds(folder, 300);
    }

    @Test
    void unigrams() throws IOException {
        unigram("unigram", UnigramJson.PRECOMPILED + ", " + UnigramJson.ONE_SPACE, UnigramJson.METASPACE, false);
        unigram("unigram-tidied", UnigramJson.PRECOMPILED, UnigramJson.WORDS, false);
        unigram("unigram-bytes", object("\"NFKC\""), UnigramJson.METASPACE.replace("always", "first").replace("true}", "false}"), true);
    }

    @Test
    void theFirstPieceOfSeveralSteps() throws IOException {
        changed("metaspace", "pre_tokenizer", object("\"Sequence\", \"pretokenizers\": [{\"type\": \"Whitespace\"}, {\"type\": \"Metaspace\", "
                + "\"replacement\": \"\u2581\", \"prepend_scheme\": \"first\", \"split\": true}, {\"type\": \"Digits\", \"individual_digits\": true}]"));
    }

    @Test
    void models() throws IOException {
        for (String name : Golden.FOLDERS) {
            for (String key : List.of("model/byte_fallback", "model/fuse_unk", "model/ignore_merges")) {
                changed(name, key, "true");
                changed(name, key, "false");
            }
            changed(name, "pre_tokenizer", "");
            changed(name, "normalizer", "");
        }
    }

    @Test
    void theTextsAreOfManyKinds() {
        Random random = new Random(11);
        String all = RandomText.of(random, 100_000);
        assertTrue(all.codePoints().distinct().count() > 2_000 && all.contains("  ") && all.contains("\r\n") && all.contains("\u2581"));
    }
}
