package io.jllm.tokenizer.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
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
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

class GgufTokenizersTest {
    static final List<String> GGUFS = Golden.GGUFS;
    /** Those that leave texts as they are. */
    static final List<String> EXACT = List.of("gguf-byte-level", "gguf-sentence-piece");

    @ParameterizedTest
    @FieldSource("GGUFS")
    void idsAreThoseOfLlamaCpp(String name) {
        for (Golden.Variant variant : Golden.variants(name)) {
            try (Tokenizer tokenizer = GgufTokenizers.fromGguf(variant.metadata())) {
                assertFalse(variant.cases().isEmpty());
                for (Golden.GgufCase c : variant.cases()) {
                    assertArrayEquals(c.ids(), tokenizer.encode(c.text()), () -> name + " " + c);
                    assertArrayEquals(c.idsWithoutSpecial(), tokenizer.encode(c.text(), true, false), () -> name + " plain " + c);
                }
            }
        }
    }

    @ParameterizedTest
    @FieldSource("EXACT")
    void plainTextComesBack(String name) {
        Golden.Variant variant = Golden.variants(name).getFirst();
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(variant.metadata())) {
            for (Golden.GgufCase c : variant.cases()) {
                // There, each token found in a text puts a space before what follows, and U+2581 is a space.
                boolean changes = name.contains("sentence") && c.text().matches("(?s).*(word|<tool>|<sep>|\u2581).*");
                if (!changes) {
                    assertEquals(c.text(), tokenizer.decode(tokenizer.encode(c.text(), true, false)));
                }
            }
        }
    }

    @Test
    void unigramModelsPutAnEndBehindATextUnlessTold() {
        var metadata = Golden.metadata("gguf-unigram");
        metadata.remove("tokenizer.ggml.add_eos_token");
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(metadata))) {
            int[] ids = tokenizer.encode("the wind");
            assertEquals(1, ids[ids.length - 1]);
            assertArrayEquals(new int[] {1}, tokenizer.encode(""));
            assertArrayEquals(new int[0], tokenizer.encode("", false, false));
            assertEquals("the wind", tokenizer.decode(ids));
        }
        metadata.put("tokenizer.ggml.precompiled_charsmap", new GgufValue.Ints(GgufValue.Type.UINT8, new long[] {9, 0, 0, 0, 1}));
        var e = assertThrows(ModelLoadException.class, () -> GgufTokenizers.fromGguf(new GgufMetadata(metadata)));
        assertTrue(e.getMessage().contains("metadata tokenizer.ggml.precompiled_charsmap is broken"), e.getMessage());
    }

    /** Small enough to work out by hand: ids of single characters are their place in the list. */
    private static Map<String, GgufValue> byHand() {
        List<String> tokens = new ArrayList<>();
        for (int b = 0; b < 256; b++) {
            tokens.add(String.valueOf(Pieces.byteLevel((byte) b)));
        }
        tokens.addAll(List.of("he", "ll", "hell", "hello", "\u0120w", "<end>", "<tool>")); // 256 to 262
        long[] types = new long[tokens.size()];
        Arrays.fill(types, 1);
        types[261] = 3;
        types[262] = 4;
        Map<String, GgufValue> entries = new LinkedHashMap<>();
        entries.put("tokenizer.ggml.model", new GgufValue.Text("gpt2"));
        entries.put("tokenizer.ggml.pre", new GgufValue.Text("gpt-2"));
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, types));
        entries.put("tokenizer.ggml.merges", new GgufValue.Texts(List.of("h e", "l l", "he ll", "hell o", "\u0120 w")));
        entries.put("tokenizer.ggml.eos_token_id", new GgufValue.Int(GgufValue.Type.UINT32, 261));
        return entries;
    }

    @Test
    void byteLevelByHand() {
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(byHand()))) {
            assertArrayEquals(new int[] {259, 260, 'o', 'r', 'l', 'd'}, tokenizer.encode("hello world"));
            assertArrayEquals(new int[] {256, 'l', 0xC3, 0xA9}, tokenizer.encode("hel\u00e9"));
            assertArrayEquals(new int[] {258, 261, 262, 'x'}, tokenizer.encode("hell<end><tool>x"));
            assertArrayEquals(new int[] {258, '<', 'e', 'n', 'd', '>', 262, 'x'}, tokenizer.encode("hell<end><tool>x", true, false));
            assertArrayEquals(new int[] {}, tokenizer.encode(""));
            assertArrayEquals(new int[] {0xEF, 0xBF, 0xBD, 'a', 0xEF, 0xBF, 0xBD}, tokenizer.encode("\ud83da\udc00")); // lone surrogates
            assertEquals("hell<tool>x", tokenizer.decode(new int[] {258, 261, 262, 'x'}));
            assertEquals(Set.of(261), tokenizer.eos());
            assertEquals(OptionalInt.empty(), tokenizer.bos());
            assertFalse(tokenizer.addsBos());
            assertTrue(tokenizer.isSpecial(261));
            assertFalse(tokenizer.isSpecial(262));
            assertEquals("\u0120w", tokenizer.token(260));
            assertEquals(263, tokenizer.vocabSize());
        }
    }

    @Test
    void idsPastTheEndAreSpecialAndGiveNoText() {
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(byHand()))) {
            assertEquals("hello", tokenizer.decode(new int[] {259, 263, Integer.MAX_VALUE}));
            assertTrue(tokenizer.isSpecial(263));
            assertEquals("[PAD263]", tokenizer.token(263));
            assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(new int[] {-1}));
            assertThrows(IllegalArgumentException.class, () -> tokenizer.token(-1));
        }
    }

    /** A byte without a token is left out, as in llama.cpp, and yet keeps its neighbours apart. */
    @Test
    void bytesWithoutATokenKeepNeighboursApart() {
        Map<String, GgufValue> entries = byHand();
        List<String> tokens = new ArrayList<>(entries.get("tokenizer.ggml.tokens") instanceof GgufValue.Texts t ? t.values() : List.of());
        tokens.set(0x0B, "nothing like it");
        tokens.set(0x01, "\u010a\u010a");
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.put("tokenizer.ggml.merges", new GgufValue.Texts(List.of("\u010a \u010a")));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertArrayEquals(new int[] {0x01}, tokenizer.encode("\n\n"));
            assertArrayEquals(new int[] {'\n', '\n'}, tokenizer.encode("\n\u000b\n"));
        }
    }

    /** A merge is written with a space between its tokens; one within them, though it be of none of a merge, is another thing. */
    @Test
    void tokensWithSpacesChangeNothing() {
        Map<String, GgufValue> entries = byHand();
        List<String> tokens = new ArrayList<>(entries.get("tokenizer.ggml.tokens") instanceof GgufValue.Texts t ? t.values() : List.of());
        tokens.set(262, "l l");
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        try (Tokenizer spaced = GgufTokenizers.fromGguf(new GgufMetadata(entries));
                Tokenizer plain = GgufTokenizers.fromGguf(new GgufMetadata(byHand()))) {
            assertArrayEquals(new int[] {259, 260, 'l', 'o', 257, 'h'}, spaced.encode("hello wlollh"));
            assertArrayEquals(new int[] {259, 260, 'l', 'o', 257, 'h'}, plain.encode("hello wlollh"));
            assertArrayEquals(new int[] {256, 262, 'o'}, spaced.encode("hel lo"));
        }
    }

    @Test
    void plainTextNeverBecomesASpecialTokenByMerging() {
        Map<String, GgufValue> entries = byHand();
        long[] types = new long[263];
        Arrays.fill(types, 1);
        types[259] = 3; // "hello"
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, types));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertArrayEquals(new int[] {259}, tokenizer.encode("hello", false, true));
            assertArrayEquals(new int[] {258, 'o'}, tokenizer.encode("hello", false, false));
        }
    }

    @Test
    void endsAreFoundByKeyAndByText() {
        Map<String, GgufValue> entries = byHand();
        List<String> tokens = new ArrayList<>(entries.get("tokenizer.ggml.tokens") instanceof GgufValue.Texts t ? t.values() : List.of());
        tokens.addAll(List.of("<|im_end|>", "<|eot_id|>", "<|channel|>", "<|end|>", "<|fim_pad|>", "<PRE>")); // 263 to 268
        long[] types = new long[tokens.size()];
        Arrays.fill(types, 1);
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, types));
        entries.put("tokenizer.ggml.eot_token_id", new GgufValue.Int(GgufValue.Type.UINT32, 260));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertEquals(Set.of(260, 261, 263, 264, 266), tokenizer.eos());
            assertTrue(tokenizer.isSpecial(263), "known by its text, whatever its type");
            assertFalse(tokenizer.isSpecial(265), "a mark to be read");
            assertTrue(tokenizer.isSpecial(268), "a mark that ends nothing");
            assertTrue(tokenizer.isSpecial(267), "nor does this, where no key names it: the model may not fill in at all");
        }
        entries.put("tokenizer.ggml.fim_pad_token_id", new GgufValue.Int(GgufValue.Type.UINT32, 267));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertEquals(Set.of(260, 261, 263, 264, 266, 267), tokenizer.eos());
        }
        entries.remove("tokenizer.ggml.fim_pad_token_id");
        tokens.addAll(List.of("<|return|>", "<|call|>")); // 269, 270: then <|end|> ends only a message
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.remove("tokenizer.ggml.token_type");
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertEquals(Set.of(260, 261, 263, 264, 269, 270), tokenizer.eos());
        }
    }

    /** As llama.cpp has it for Gemma 4, in whose texts it is a word. */
    @Test
    void anEndThatIsAWord() {
        Map<String, GgufValue> entries = byHand();
        List<String> tokens = new ArrayList<>(entries.get("tokenizer.ggml.tokens") instanceof GgufValue.Texts t ? t.values() : List.of());
        tokens.add("</s>"); // 263
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.remove("tokenizer.ggml.token_type");
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertEquals(Set.of(261, 263), tokenizer.eos());
        }
        tokens.add("<|tool_response>");
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertEquals(Set.of(261, 264), tokenizer.eos());
            assertFalse(tokenizer.isSpecial(263));
        }
    }

    /** As llama.cpp has it for files whose name says Phi-3. */
    @Test
    void phi3TokensSwallowWhiteSpace() {
        Map<String, GgufValue> entries = byHand();
        entries.put("general.name", new GgufValue.Text("My Phi-3 model"));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            assertArrayEquals(new int[] {'a', ' ', 261, 'x'}, tokenizer.encode("a <end> \n\u000b x"));
            assertArrayEquals(new int[] {261, 261}, tokenizer.encode("<end> <end>\t"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gguf-byte-level     | model            | bert           | tokenizer.ggml.model is \"bert\", a kind of tokenizer that is not known here; known are gemma4, gpt2, llama, t5",
        "gguf-byte-level     | model            |                | tokenizer.ggml.model, the kind of tokenizer, is missing",
        "gguf-byte-level     | model            | 3              | tokenizer.ggml.model must be a string",
        "gguf-byte-level     | pre              | klingon        | \"klingon\", a pre-tokenizer that is not known here; known are",
        "gguf-byte-level     | tokens           |                | tokenizer.ggml.tokens, the list of tokens, is missing",
        "gguf-byte-level     | merges           |                | tokenizer.ggml.merges, the list of merges, is missing",
        "gguf-byte-level     | add_bos_token    | yes            | tokenizer.ggml.add_bos_token must be a boolean",
        "gguf-sentence-piece | scores           | text           | tokenizer.ggml.scores must be an array of numbers",
    })
    void wrongMetadataNamesTheKey(String name, String key, String value, String message) {
        Map<String, GgufValue> entries = Golden.metadata(name);
        if (value == null) {
            entries.remove("tokenizer.ggml." + key);
        } else {
            entries.put("tokenizer.ggml." + key, value.matches("-?\\d+")
                    ? new GgufValue.Int(GgufValue.Type.INT64, Long.parseLong(value)) : new GgufValue.Text(value));
        }
        assertRefused(entries, message);
    }

    @Test
    void wrongListsNameTheKey() {
        Map<String, GgufValue> entries = Golden.metadata("gguf-sentence-piece");
        entries.put("tokenizer.ggml.scores", new GgufValue.Reals(GgufValue.Type.FLOAT32, new double[3]));
        assertRefused(entries, "tokenizer.ggml.scores has 3 entries, but tokenizer.ggml.tokens has ");
        entries = Golden.metadata("gguf-sentence-piece");
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, new long[5]));
        assertRefused(entries, "tokenizer.ggml.token_type has 5 entries");
        entries = byHand();
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(List.of()));
        assertRefused(entries, "tokenizer.ggml.tokens is empty");
        entries = byHand();
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(List.of("a", "b", "a")));
        assertRefused(entries, "tokenizer.ggml.tokens has \"a\" twice, as token 0 and 2");
        entries = byHand();
        entries.put("tokenizer.ggml.merges", new GgufValue.Texts(List.of("hello")));
        assertRefused(entries, "tokenizer.ggml.merges has \"hello\" at 0: a merge is two tokens");
        entries = byHand();
        entries.put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(true));
        assertRefused(entries, "add_bos_token is true, but tokenizer.ggml.bos_token_id is missing");
        long[] types = new long[263];
        types[7] = 6;
        entries = byHand();
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, types));
        assertRefused(entries, "says that token 7 is a byte");
        long[] unknownTypes = types.clone();
        unknownTypes[7] = 9;
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, unknownTypes));
        assertRefused(entries, "tokenizer.ggml.token_type is 9 for token 7: types are 0 to 6");
    }

    private static void assertRefused(Map<String, GgufValue> entries, String message) {
        ModelLoadException e = assertThrows(ModelLoadException.class, () -> GgufTokenizers.fromGguf(new GgufMetadata(entries)).close());
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }
}
