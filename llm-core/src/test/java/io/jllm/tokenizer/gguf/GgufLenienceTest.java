package io.jllm.tokenizer.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Golden;
import io.jllm.tokenizer.subword.Pieces;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Oddities in vocabularies of GGUF files that llama.cpp loads with a warning, or none. */
class GgufLenienceTest {
    private static final long NO_ID = 0xFFFF_FFFFL;

    private static Tokenizer tokenizer(Map<String, GgufValue> entries) {
        return GgufTokenizers.fromGguf(new GgufMetadata(entries));
    }

    private static void put(Map<String, GgufValue> entries, String key, long id) {
        entries.put("tokenizer.ggml." + key, new GgufValue.Int(GgufValue.Type.UINT32, id));
    }

    @ParameterizedTest
    @CsvSource({"gguf-sentence-piece, bos_token_id", "gguf-sentence-piece, eos_token_id", "gguf-sentence-piece, eot_token_id",
        "gguf-sentence-piece, unknown_token_id", "gguf-sentence-piece, padding_token_id", "gguf-sentence-piece, fim_rep_token_id",
        "gguf-byte-level, bos_token_id", "gguf-byte-level, eos_token_id", "gguf-byte-level, eom_token_id", "gguf-byte-level, fim_pad_token_id"})
    void idsOutOfRangeAreAsGoodAsNone(String name, String key) {
        for (long id : new long[] {NO_ID, 32_000_000, Integer.MAX_VALUE}) {
            Map<String, GgufValue> with = Golden.metadata(name);
            put(with, key, id);
            Map<String, GgufValue> without = Golden.metadata(name);
            without.remove("tokenizer.ggml." + key);
            without.remove("tokenizer.ggml.add_bos_token");
            with.remove("tokenizer.ggml.add_bos_token");
            try (Tokenizer odd = tokenizer(with); Tokenizer plain = tokenizer(without)) {
                String text = "the king and \u00e9\u4f60 <s> so";
                assertArrayEquals(plain.encode(text), odd.encode(text));
                assertEquals(plain.eos(), odd.eos());
                assertEquals(plain.bos(), odd.bos());
            }
        }
    }

    @Test
    void sentencePieceFilesFallBackOnLlamasTokens() {
        Map<String, GgufValue> entries = Golden.metadata("gguf-sentence-piece");
        put(entries, "bos_token_id", NO_ID);
        put(entries, "eos_token_id", NO_ID);
        try (Tokenizer tokenizer = tokenizer(entries)) {
            assertEquals(OptionalInt.of(1), tokenizer.bos());
            assertTrue(tokenizer.eos().contains(2));
        }
    }

    @Test
    void aBosThatIsNoneIsNotAdded() {
        Map<String, GgufValue> entries = Golden.metadata("gguf-byte-level");
        put(entries, "bos_token_id", NO_ID);
        entries.put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(true));
        try (Tokenizer tokenizer = tokenizer(entries)) {
            assertArrayEquals(tokenizer.encode("the", false, true), tokenizer.encode("the"));
        }
    }

    /** By hand: single characters, and two tokens of three letters that need an order of merges. */
    private static Map<String, GgufValue> scored(List<String> tokens, double... scores) {
        Map<String, GgufValue> entries = new LinkedHashMap<>();
        entries.put("tokenizer.ggml.model", new GgufValue.Text("llama"));
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.put("tokenizer.ggml.add_space_prefix", new GgufValue.Bool(false));
        entries.put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(false));
        if (scores.length > 0) {
            entries.put("tokenizer.ggml.scores", new GgufValue.Reals(GgufValue.Type.FLOAT32, scores));
        }
        return entries;
    }

    @Test
    void withoutScoresTheLeftmostPairMerges() {
        try (Tokenizer tokenizer = tokenizer(scored(List.of("<unk>", "<s>", "</s>", "a", "b", "c", "ab", "bc")))) {
            assertArrayEquals(new int[] {6, 5}, tokenizer.encode("abc"));
            assertArrayEquals(new int[] {3, 6, 7, 3}, tokenizer.encode("aabbca"));
        }
    }

    @Test
    void equalScoresMergeFromTheLeftAndHigherOnesFirst() {
        List<String> tokens = List.of("<unk>", "<s>", "</s>", "a", "b", "c", "ab", "bc");
        try (Tokenizer tokenizer = tokenizer(scored(tokens, 0, 0, 0, 0, 0, 0, -1, -1))) {
            assertArrayEquals(new int[] {6, 5}, tokenizer.encode("abc"));
        }
        try (Tokenizer tokenizer = tokenizer(scored(tokens, 0, 0, 0, 0, 0, 0, -2, -1))) {
            assertArrayEquals(new int[] {3, 7}, tokenizer.encode("abc"));
        }
    }

    /** A character that is no token may still be a part of one. */
    @Test
    void partsNeedNotBeTokens() {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "a", "\u00e9a"));
        for (int b = 0; b < 256; b++) {
            tokens.add("<0x%02X>".formatted(b));
        }
        try (Tokenizer tokenizer = tokenizer(scored(tokens, new double[tokens.size()]))) {
            assertArrayEquals(new int[] {4, 5 + 0xC3, 5 + 0xA9, 5 + 'x'}, tokenizer.encode("\u00e9a\u00e9x"));
        }
    }

    private static Map<String, GgufValue> listed(List<String> more, String... merges) {
        List<String> tokens = new ArrayList<>();
        for (int b = 0; b < 256; b++) {
            tokens.add(String.valueOf(Pieces.byteLevel((byte) b)));
        }
        tokens.addAll(more);
        Map<String, GgufValue> entries = new LinkedHashMap<>();
        entries.put("tokenizer.ggml.model", new GgufValue.Text("gpt2"));
        entries.put("tokenizer.ggml.pre", new GgufValue.Text(""));
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.put("tokenizer.ggml.merges", new GgufValue.Texts(Arrays.asList(merges)));
        return entries;
    }

    @Test
    void anEmptyNameOfThePreTokenizerIsTheDefault() {
        Map<String, GgufValue> named = listed(List.of());
        named.put("tokenizer.ggml.pre", new GgufValue.Text("default"));
        try (Tokenizer empty = tokenizer(listed(List.of())); Tokenizer full = tokenizer(named)) {
            String text = "it's 1234567 <= \u4f60\u597d\n\n  x";
            assertArrayEquals(full.encode(text), empty.encode(text));
        }
    }

    /** As there, a merge may make what is no token: if it becomes part of one it was good for something, else it falls apart. */
    @Test
    void mergesOfAbsentTokens() {
        try (Tokenizer tokenizer = tokenizer(listed(List.of("abc"), "a b", "ab c", "q q"))) {
            assertArrayEquals(new int[] {256}, tokenizer.encode("abc"));
            assertArrayEquals(new int[] {'a', 'b', 'x'}, tokenizer.encode("abx"));
            assertArrayEquals(new int[] {'q', 'q'}, tokenizer.encode("qq"));
        }
    }

    @Test
    void tokensThatAreNotUtf8MayLookAlike() {
        try (Tokenizer tokenizer = tokenizer(listed(List.of("\uFFFD", "\uFFFD", "he"), "h e"))) {
            assertArrayEquals(new int[] {258, 'y'}, tokenizer.encode("hey"));
            assertEquals(259, tokenizer.vocabSize());
            assertEquals("\uFFFDhe", tokenizer.decode(new int[] {257, 258}));
        }
    }
}
