package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.load.ModelFiles;
import io.jllm.model.GoldenModel;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.GoldenFiles;
import io.jllm.tokenizer.PieceFile;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import io.jllm.tokenizer.pre.PreTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokenizers of folders, written to GGUF files and read again. */
class TokenizerKeysTest {
    private static final String SPECIAL = """
            [{"id": 0, "content": "<s>", "special": true, "normalized": false},
             {"id": 1, "content": "</s>", "special": true, "normalized": false},
             {"id": 2, "content": "<call>", "special": false, "normalized": false}]""";

    @TempDir
    Path folder;

    private Path model;
    private final List<String> notes = new ArrayList<>();
    private final Converter.Progress progress = new Converter.Progress() {
        @Override
        public void written(String tensor, long bytesDone, long bytesTotal) {
        }

        @Override
        public void note(String message) {
            notes.add(message);
        }
    };

    @BeforeEach
    void unpack() throws IOException {
        model = GoldenModel.unpack("llama-tied", "config.json", folder);
        Files.writeString(model.resolve("tokenizer_config.json"), """
                {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": true, "chat_template": "{{ messages }}"}""");
    }

    /** Ids 0 to 2 are special, 3 to 28 the letters, then G for the space, and what the merges make. */
    private static String byteLevel(String preTokenizer) {
        var vocab = new StringBuilder("\"<s>\": 0, \"</s>\": 1, \"<call>\": 2");
        for (char c = 'a'; c <= 'z'; c++) {
            vocab.append(", \"").append(c).append("\": ").append(3 + c - 'a');
        }
        return """
                {"added_tokens": %s, "pre_tokenizer": %s, "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
                 "model": {"type": "BPE", "vocab": {%s, "\u0120": 29, "on": 30, "once": 31, "ce": 32, "\u0120a": 33, "zzz": 5000},
                 "merges": ["o n", "c e", "on ce", "\u0120 a"]}}""".formatted(SPECIAL, preTokenizer, vocab);
    }

    private GgufMetadata convert(String tokenizerJson) throws IOException {
        Files.writeString(model.resolve("tokenizer.json"), tokenizerJson);
        var out = folder.resolve("out.gguf");
        Converter.convert(model, out, Converter.Options.of(DType.F32), progress);
        try (var file = GgufFile.open(out)) {
            return file.metadata();
        }
    }

    /** The same ids from folder and file. */
    private void same(String... texts) {
        try (var a = ModelFiles.open(model); var b = ModelFiles.open(folder.resolve("out.gguf"))) {
            for (var text : texts) {
                assertArrayEquals(a.tokenizer().orElseThrow().encode(text), b.tokenizer().orElseThrow().encode(text), text);
            }
            assertEquals(a.eos(), b.eos());
        }
    }

    @Test
    void byteLevelTokenizer() throws IOException {
        var keys = convert(byteLevel("{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}"));
        assertEquals("gpt2", keys.text("tokenizer.ggml.model").orElseThrow());
        assertEquals("gpt-2", keys.text("tokenizer.ggml.pre").orElseThrow());
        assertEquals(List.of("o n", "c e", "on ce", "\u0120 a"), keys.texts("tokenizer.ggml.merges").orElseThrow());
        assertEquals(0, keys.integer("tokenizer.ggml.bos_token_id").orElseThrow());
        assertEquals(1, keys.integer("tokenizer.ggml.eos_token_id").orElseThrow());
        assertEquals(true, keys.bool("tokenizer.ggml.add_bos_token").orElseThrow());
        assertEquals("{{ messages }}", keys.text("tokenizer.chat_template").orElseThrow());
        var tokens = keys.texts("tokenizer.ggml.tokens").orElseThrow();
        var types = keys.integers("tokenizer.ggml.token_type").orElseThrow();
        int rows = tokens.size();
        try (var loaded = ModelFiles.open(model)) {
            assertEquals(loaded.config().vocab(), rows, "one token a row of the embedding table");
        }
        assertEquals(List.of("<s>", "</s>", "<call>", "a"), tokens.subList(0, 4));
        assertArrayEquals(new long[] {3, 3, 4, 1}, Arrays.copyOf(types, 4));
        assertEquals("[PAD" + (rows - 1) + "]", tokens.getLast());
        assertEquals(5, types[rows - 1]);
        assertTrue(notes.toString().contains("1 tokens with ids past the " + rows + " rows"), notes.toString());
        same("once a once", "<s>once<call>a</s>", "");
    }

    /** Tokens of the letters a and b; each list of merges is one of pairs. */
    private static String sentencePiece(String merges) {
        return """
                {"added_tokens": %s, "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                 {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
                 "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                 {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
                 "model": {"type": "BPE", "byte_fallback": true, "fuse_unk": true, "unk_token": "<unk>",
                 "vocab": {"<s>": 0, "</s>": 1, "<call>": 2, "<unk>": 3, "<0x0A>": 4, "a": 5, "b": 6, "\u2581": 7, "ab": 8, "\u2581ab": 9},
                 "merges": [%s]}}""".formatted(SPECIAL, merges);
    }

    @Test
    void mergesThatScoresAddAreNoted() throws IOException {
        convert(sentencePiece("[\"a\", \"b\"]"));
        assertEquals(List.of(), notes, "no other pair makes up ab");
        convert(sentencePiece("[\"\u2581\", \"ab\"]").replace("\"ab\": 8,", "\"ab\": 8, \"\u2581a\": 10,"));
        assertTrue(notes.size() == 1 && notes.getFirst().contains("1 tokens can be put together in ways"), notes.toString());
    }

    @Test
    void sentencePieceTokenizer() throws IOException {
        var keys = convert(sentencePiece("[\"a\", \"b\"], [\"\u2581\", \"ab\"]"));
        assertEquals("llama", keys.text("tokenizer.ggml.model").orElseThrow());
        assertArrayEquals(new long[] {3, 3, 4, 2, 6, 1, 1, 1, 1, 1, 5},
                Arrays.copyOf(keys.integers("tokenizer.ggml.token_type").orElseThrow(), 11));
        assertArrayEquals(new double[] {0, 0, 0, 0, 0, -1e6, -1e6, -1e6, 0, -1, 0},
                Arrays.copyOf(keys.reals("tokenizer.ggml.scores").orElseThrow(), 11), 0);
        assertEquals(3, keys.integer("tokenizer.ggml.unknown_token_id").orElseThrow());
        assertFalse(keys.bool("tokenizer.ggml.add_space_prefix").isPresent(), "the default");
        same("ab ab", "a b", "ab\nab<call>");
        assertEquals(List.of(), notes);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "smollm; false; {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\", \"individual_digits\": true}, "
            + "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}]}",
        "llama-bpe; true; {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": "
            + "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|"
            + "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}",
        "qwen2; false; {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": "
            + "\"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}"
            + "\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}",
    })
    void preTokenizersAreKnownByTheirExpressions(String name, boolean ignoreMerges, String json) {
        assertEquals(name, PreTokenizerName.of("tokenizer.json", JsonParser.parseString(json), ignoreMerges, notes::add));
        assertEquals(List.of(), notes);
    }

    private static final String CASED = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+%1$s|"
            + "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*%1$s|";
    private static final String SIGNS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private static JsonArray split(String... expressions) {
        var steps = new JsonArray();
        for (var expression : expressions) {
            var step = new JsonObject();
            step.addProperty("type", "Split");
            step.addProperty("behavior", "Isolated");
            var pattern = new JsonObject();
            pattern.addProperty("Regex", expression);
            step.add("pattern", pattern);
            steps.add(step);
        }
        return steps;
    }

    private String named(JsonArray steps, boolean ignoreMerges, String... others) {
        for (var other : others) {
            steps.add(JsonParser.parseString(other));
        }
        steps.add(JsonParser.parseString("{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": false}"));
        var sequence = new JsonObject();
        sequence.addProperty("type", "Sequence");
        sequence.add("pretokenizers", steps);
        return PreTokenizerName.of("tokenizer.json", sequence, ignoreMerges, notes::add);
    }

    /** Those whose expressions llama.cpp has in another form: tokenizers of Mistral Nemo, GPT-4o, DeepSeek, Bloom, Viking, Falcon, Bailing. */
    @Test
    void preTokenizersThatLlamaCppHasInAnotherForm() {
        assertEquals("tekken", named(split(CASED.formatted("") + "\\p{N}" + SIGNS), true));
        var contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
        assertEquals("gpt-4o", named(split(CASED.formatted(contractions) + "\\p{N}{1,3}" + SIGNS), false));
        assertEquals("tiny_aya", named(split("\\d{1,3}(?=(?:\\d{3})*\\b)", CASED.formatted(contractions) + "\\p{N}{1,3}" + SIGNS), false));
        assertEquals("deepseek-coder", named(split("[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), false,
                "{\"type\": \"Digits\", \"individual_digits\": true}"));
        var letters = PreTokenizer.named("deepseek-llm").expressions().get(1).replaceAll("\\\\x\\{[0-9a-f]+}-\\\\x\\{[0-9a-f]+}", "")
                .replace("]+", "\ud801\udc00-\ud801\udc4f\ud801\udcb0-\ud801\udcd3\ud801\udcd8-\ud801\udcfb\ud803\udc80-\ud803\udcb2"
                        + "\ud803\udcc0-\ud803\udcf2\ud806\udca0-\ud806\udcdf\ud83a\udd00-\ud83a\udd43]+");
        assertEquals("deepseek-llm", named(split("[\r\n]", letters, "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", "\\s+$",
                "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), false, "{\"type\": \"Digits\", \"individual_digits\": true}"));
        assertTrue(notes.size() == 5 && notes.stream().allMatch(n -> n.contains("letters and marks outside ASCII may become other tokens")),
                notes.toString());
        notes.clear();
        var bloom = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+";
        assertEquals("bloom", named(split(bloom), false));
        assertEquals("viking", named(split(bloom), false, "{\"type\": \"Digits\", \"individual_digits\": true}"));
        assertEquals("bailingmoe", named(split("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*"
                + "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"), false));
        assertEquals("falcon", PreTokenizerName.of("tokenizer.json", JsonParser.parseString("""
                {"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "Contiguous"},
                 {"type": "ByteLevel", "add_prefix_space": false}, {"type": "Digits", "individual_digits": false}, {"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[0-9][0-9][0-9]"}}]}"""),
                false, notes::add));
        assertEquals(List.of(), notes);
        assertEquals("tekken", named(split(CASED.formatted("") + "\\p{N}" + SIGNS), false));
        assertTrue(notes.getLast().contains("ignore_merges is false, but tokenizer.ggml.pre \"tekken\" means true"), notes.toString());
    }

    /** Folders without tokenizer.json: the same ids from folder and file, but for what GGUF cannot say. */
    @ParameterizedTest
    @CsvSource({"pieces, llama", "pieces-bare, llama", "pieces-tidied, llama", "qwen, gpt2", "merges, gpt2", "merges-qwen2, gpt2"})
    void foldersOfOtherFiles(String name, String kind) throws IOException {
        var golden = GoldenFiles.unpack(name, folder);
        try (var tokenizer = HuggingFaceTokenizers.fromFolder(folder)) {
            var keys = new GgufMetadata(TokenizerKeys.read(folder, tokenizer, tokenizer.eos(), tokenizer.vocabSize() + 5, progress));
            assertEquals(kind, keys.text("tokenizer.ggml.model").orElseThrow());
            assertEquals(tokenizer.vocabSize() + 5, keys.texts("tokenizer.ggml.tokens").orElseThrow().size());
            boolean tidied = name.equals("pieces-tidied");
            assertEquals(tidied ? 3 : name.startsWith("qwen") || name.endsWith("qwen2") ? 1 : 0, notes.size(), notes.toString());
            try (var written = GgufTokenizers.fromGguf(keys)) {
                for (var c : golden) {
                    // pieces with U+2581 are found in texts as they are, and no reader of GGUF files composes characters
                    if (!tidied && !(name.equals("pieces-bare") && c.text().contains("\u2581"))
                            && Normalizer.isNormalized(c.text(), Normalizer.Form.NFC)) {
                        assertArrayEquals(c.ids(), written.encode(c.text(), false, true), () -> name + " \"" + c.text() + "\"");
                        assertArrayEquals(tokenizer.encode(c.text()), written.encode(c.text()), () -> name + " \"" + c.text() + "\"");
                    }
                }
                assertEquals(tokenizer.eos(), written.eos());
            }
        }
    }

    /** As ChatGLM's, whose prompts begin with two tokens, and whose chats end in four ways. */
    @Test
    void whatGgufCannotSayIsNoted() throws IOException {
        Files.write(folder.resolve("tokenizer.model"), PieceFile.of("a", "<|im_end|>").toBytes());
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"chatglm\", \"eos_token_id\": [2, 3, 4]}");
        try (var tokenizer = HuggingFaceTokenizers.fromFolder(folder)) {
            var keys = new GgufMetadata(TokenizerKeys.read(folder, tokenizer, tokenizer.eos(), 14, progress));
            assertEquals(List.of("<unk>", "<s>", "</s>", "a", "<|im_end|>", "[MASK]", "[gMASK]", "[sMASK]", "sop", "eop", "<|system|>", "<|user|>",
                    "<|assistant|>", "<|observation|>"), keys.texts("tokenizer.ggml.tokens").orElseThrow());
            assertEquals(false, keys.bool("tokenizer.ggml.add_bos_token").orElseThrow());
            assertEquals(2, keys.integer("tokenizer.ggml.eos_token_id").orElseThrow());
            assertEquals(13, keys.integer("tokenizer.ggml.eot_token_id").orElseThrow());
            assertEquals(3, keys.integer("tokenizer.ggml.eom_token_id").orElseThrow());
            assertEquals(2, notes.size());
            assertTrue(notes.getFirst().contains("GGUF has no keys for [<|im_end|>, <|user|>]"), notes.toString());
            assertTrue(notes.getLast().contains("a prompt stands between [[gMASK], sop]"), notes.toString());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": true}", "{\"type\": \"Whitespace\"}", "null",
        "{\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": \".\"}}",
        "{\"type\": \"Split\", \"behavior\": \"MergedWithNext\", \"pattern\": {\"Regex\": \"\\\\d\"}}",
    })
    void unknownPreTokenizersAreRefused(String json) {
        var e = assertThrows(ModelLoadException.class,
                () -> PreTokenizerName.of("tokenizer.json", JsonParser.parseString(json), false, notes::add));
        assertTrue(e.getMessage().contains("known are those of bailingmoe, bloom, dbrx, deepseek-coder, "), e.getMessage());
    }

    @Test
    void noTokenizer() throws IOException {
        var out = folder.resolve("out.gguf");
        Converter.convert(model, out, Converter.Options.of(DType.F32), progress);
        assertTrue(notes.toString().contains("has no tokenizer.json"), notes.toString());
        try (var loaded = ModelFiles.open(out)) {
            assertTrue(loaded.tokenizer().isEmpty());
        }
    }
}
