package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.Golden;
import io.jllm.tokenizer.RandomText;
import io.jllm.tokenizer.UnigramJson;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A {@code tokenizer.json} of the kind Unigram, written to GGUF keys and read again. */
class UnigramKeysTest {
    private static final String STRIP = "{\"type\": \"Strip\", \"strip_left\": false, \"strip_right\": true}";
    private static final String LONGEST = "to the longest strings";
    private static final String SPACES = "know no white space but the space";
    private static final String ACROSS = "pieces go on behind a space";

    @TempDir
    private Path folder;

    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void end() throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"</s>\"}");
    }

    private GgufMetadata convert(int moreRows) throws IOException {
        notes.clear();
        try (var tokenizer = HuggingFaceTokenizers.fromFolder(folder)) {
            var progress = new Converter.Progress() {
                @Override
                public void written(String tensor, long bytesDone, long bytesTotal) {
                }

                @Override
                public void note(String message) {
                    notes.add(message);
                }
            };
            return new GgufMetadata(TokenizerKeys.read(folder, tokenizer, tokenizer.eos(), tokenizer.vocabSize() + moreRows, progress));
        }
    }

    private void noted(String... parts) {
        assertEquals(parts.length, notes.size(), notes.toString());
        for (int i = 0; i < parts.length; i++) {
            assertTrue(notes.get(i).startsWith(folder.resolve("tokenizer.json") + ": ") && notes.get(i).contains(parts[i]), notes.get(i));
        }
    }

    /** The same ids from folder and keys, of texts at random without what the notes speak of. */
    private void same(GgufMetadata keys, String without) {
        var random = new Random(7);
        try (var tokenizer = HuggingFaceTokenizers.fromFolder(folder); var written = GgufTokenizers.fromGguf(keys)) {
            for (int i = 0; i < 400; i++) {
                var text = RandomText.of(random, 1 + random.nextInt(80)).replaceAll("[\\s\\p{Z}\u2581\u0085]", " ")
                        .replaceAll("\\p{M}|\\p{Cf}|" + without, "").strip();
                assertArrayEquals(tokenizer.encode(text), written.encode(text), text);
                assertArrayEquals(tokenizer.encode(text, false, false), written.encode(text, false, false), text);
            }
            assertEquals(tokenizer.eos(), written.eos());
        }
    }

    /** T5's and XLM-R's kind: words behind a table of characters. */
    @Test
    void wordsBehindATable() throws IOException {
        UnigramJson.write("unigram-tidied", folder, UnigramJson.PRECOMPILED, UnigramJson.WORDS, false);
        var keys = convert(3);
        noted(LONGEST, SPACES, ACROSS);
        var peer = Golden.variants("gguf-unigram").getFirst().metadata(); // of the same model, as llama.cpp's converter writes it
        assertEquals("t5", keys.text("tokenizer.ggml.model").orElseThrow());
        int pieces = peer.texts("tokenizer.ggml.tokens").orElseThrow().size();
        assertEquals(peer.texts("tokenizer.ggml.tokens").orElseThrow(), keys.texts("tokenizer.ggml.tokens").orElseThrow().subList(0, pieces));
        assertEquals("[PAD" + pieces + "]", keys.texts("tokenizer.ggml.tokens").orElseThrow().get(pieces));
        for (var key : List.of("tokenizer.ggml.precompiled_charsmap", "tokenizer.ggml.unknown_token_id")) {
            assertEquals(peer.entries().get(key), keys.entries().get(key), key);
        }
        assertArrayEquals(peer.reals("tokenizer.ggml.scores").orElseThrow(),
                Arrays.copyOf(keys.reals("tokenizer.ggml.scores").orElseThrow(), pieces), 1e-6);
        assertEquals(true, keys.bool("tokenizer.ggml.add_space_prefix").orElseThrow());
        assertEquals(true, keys.bool("tokenizer.ggml.remove_extra_whitespaces").orElseThrow());
        assertEquals(false, keys.bool("tokenizer.ggml.add_eos_token").orElseThrow(), "the file puts none there");
        UnigramJson.write("unigram", folder, UnigramJson.PRECOMPILED, UnigramJson.WORDS, false);
        var without = convert(0);
        noted(LONGEST, SPACES);
        same(without, "f");
    }

    /** What SentencePiece models become in transformers, with T5's template. */
    @Test
    void spacesMarked() throws IOException {
        var json = UnigramJson.write("unigram", folder, UnigramJson.PRECOMPILED + ", " + STRIP + ", " + UnigramJson.ONE_SPACE, UnigramJson.METASPACE,
                false);
        json.add("post_processor", JsonParser.parseString("""
                {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                 "pair": [], "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}"""));
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        var keys = convert(0);
        noted(LONGEST, SPACES);
        assertEquals(true, keys.bool("tokenizer.ggml.add_eos_token").orElseThrow());
        assertEquals(2, keys.integer("tokenizer.ggml.eos_token_id").orElseThrow());
        same(keys, "f");
    }

    @Test
    void otherSpaces() throws IOException {
        String plain = UnigramJson.METASPACE.replace("true}", "false}");
        UnigramJson.write("unigram-tidied", folder, UnigramJson.PRECOMPILED, plain.replace("always", "never"), false);
        var keys = convert(0);
        noted(LONGEST);
        assertEquals(false, keys.bool("tokenizer.ggml.add_space_prefix").orElseThrow());
        assertEquals(false, keys.bool("tokenizer.ggml.remove_extra_whitespaces").orElseThrow());
        same(keys, "f");
        UnigramJson.write("unigram-bytes", folder, "", plain.replace("always", "first"), true);
        keys = convert(0);
        noted("before texts that begin with one", "not before the first alone", "not those of its bytes");
        int letter = keys.texts("tokenizer.ggml.tokens").orElseThrow().indexOf("<0x41>");
        assertEquals(TokenTable.BYTE, keys.integers("tokenizer.ggml.token_type").orElseThrow()[letter]);
        UnigramJson.write("unigram-tidied", folder, "{\"type\": \"Prepend\", \"prepend\": \"\u2581\"}, {\"type\": \"Replace\", \"pattern\": "
                + "{\"String\": \" \"}, \"content\": \"\u2581\"}", "null", false);
        keys = convert(0);
        noted("nothing but spaces");
        same(keys, "</?s>|<unk>");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "{\"type\": \"NFKC\"}; METASPACE; the step {\"type\":\"NFKC\"} cannot be written",
        "{\"type\": \"Lowercase\"}; METASPACE; the step {\"type\":\"Lowercase\"} cannot be written",
        "{\"type\": \"Replace\", \"pattern\": {\"String\": \"''\"}, \"content\": \"x\"}; METASPACE; \"content\":\"x\"} cannot be written",
        "{\"type\": \"Replace\", \"pattern\": {\"String\": \" {2,}\"}, \"content\": \" \"}; METASPACE; cannot be written in its place",
        "{\"type\": \"Strip\", \"strip_right\": true}, PRECOMPILED; METASPACE; the step {\"type\":\"Precompiled\"",
        "PRECOMPILED; {\"type\": \"WhitespaceSplit\"}; neither normalizer nor pre_tokenizer makes U+2581 of spaces",
        "PRECOMPILED; {\"type\": \"Digits\"}; the step {\"type\":\"Digits\"} cannot be written",
        "PRECOMPILED; {\"type\": \"Metaspace\", \"replacement\": \"_\"}; \"_\"} cannot be written",
        "PRECOMPILED, ONE_SPACE; {\"type\": \"Metaspace\", \"prepend_scheme\": \"never\"}; do both or neither",
        "PRECOMPILED; {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace\", \"prepend_scheme\": "
            + "\"first\"}]}; \"first\"} cannot be written",
    })
    void stepsThatKeysCannotSayAreRefused(String steps, String preTokenizer, String message) throws IOException {
        UnigramJson.write("unigram", folder, steps.replace("PRECOMPILED", UnigramJson.PRECOMPILED).replace("ONE_SPACE", UnigramJson.ONE_SPACE),
                preTokenizer.replace("METASPACE", UnigramJson.METASPACE), false);
        var e = assertThrows(ModelLoadException.class, () -> convert(0));
        assertTrue(e.getMessage().contains(message) && e.getMessage().contains("GGUF files can say Precompiled"), e.getMessage());
        assertTrue(e.getMessage().length() < 800, e.getMessage());
    }

    /** Where a piece stands twice, the last counts; where the table is shorter, the rest is left out. */
    @Test
    void piecesTwiceAndPastTheEnd() throws IOException {
        JsonObject json = UnigramJson.write("unigram", folder, "", UnigramJson.METASPACE, false);
        var vocab = json.getAsJsonObject("model").getAsJsonArray("vocab");
        int first = vocab.size();
        vocab.add(JsonParser.parseString("[\"e\", -0.5]"));
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        var keys = convert(0);
        assertEquals("e", keys.texts("tokenizer.ggml.tokens").orElseThrow().get(first));
        assertEquals(-0.5, keys.reals("tokenizer.ggml.scores").orElseThrow()[first]);
        same(keys, "</?s>|<unk>");
        assertEquals(first, convert(-1).texts("tokenizer.ggml.tokens").orElseThrow().size());
        assertTrue(notes.toString().contains("1 tokens with ids past the " + first + " rows"), notes.toString());
    }
}
