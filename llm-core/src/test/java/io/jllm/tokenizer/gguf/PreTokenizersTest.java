package io.jllm.tokenizer.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.tokenizer.Golden;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.pre.PreTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts under every name of {@code tokenizer.ggml.pre}. */
class PreTokenizersTest {
    private static final Golden.PreTokenizers GOLDEN = Golden.preTokenizers();

    static List<Golden.PreTokenizerCase> cases() {
        return GOLDEN.cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void idsAreThoseOfLlamaCpp(Golden.PreTokenizerCase c) {
        for (String name : c.names()) {
            Map<String, GgufValue> entries = GOLDEN.metadata(c.vocabulary());
            entries.put("tokenizer.ggml.pre", new GgufValue.Text(name));
            try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
                for (int i = 0; i < GOLDEN.texts().size(); i++) {
                    String text = GOLDEN.texts().get(i);
                    if (c.ids().get(i) != null) {
                        assertArrayEquals(c.ids().get(i), tokenizer.encode(text), () -> name + " \"" + text + "\"");
                    }
                }
            }
        }
    }

    @Test
    void theseAreAllNames() {
        var named = new TreeSet<>(List.of("default"));
        cases().forEach(c -> named.addAll(c.names()));
        assertEquals(named, PreTokenizer.names());
    }

    @Test
    void aFileWithoutANameMeansTheDefault() {
        Map<String, GgufValue> entries = GOLDEN.metadata("bytes");
        entries.put("tokenizer.ggml.pre", new GgufValue.Text("default"));
        try (Tokenizer named = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            for (String none : List.of("", "absent")) {
                entries.put("tokenizer.ggml.pre", new GgufValue.Text(none));
                if (none.equals("absent")) {
                    entries.remove("tokenizer.ggml.pre");
                }
                try (Tokenizer unnamed = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
                    GOLDEN.texts().forEach(text -> assertArrayEquals(named.encode(text), unnamed.encode(text)));
                }
            }
        }
    }

    /** Whatever flag and name the file has beside it. */
    @Test
    void gemma4NamesItsPreTokenizerByItsModel() {
        Map<String, GgufValue> entries = GOLDEN.metadata("text");
        entries.put("tokenizer.ggml.pre", new GgufValue.Text("gemma4"));
        try (Tokenizer named = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            entries.put("tokenizer.ggml.model", new GgufValue.Text("gemma4"));
            entries.put("tokenizer.ggml.pre", new GgufValue.Text("default"));
            entries.put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(false));
            try (Tokenizer model = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
                for (String text : GOLDEN.texts()) {
                    assertArrayEquals(named.encode(text), model.encode(text));
                    assertEquals(text, model.decode(model.encode(text)));
                }
                assertTrue(model.addsBos());
            }
        }
    }

    /** As in masked language models; nothing in the file says so. */
    @Test
    void someMasksSwallowTheSpaceBeforeThem() {
        Map<String, GgufValue> entries = GOLDEN.metadata("bytes");
        List<String> tokens = new ArrayList<>(entries.get("tokenizer.ggml.tokens") instanceof GgufValue.Texts t ? t.values() : List.of());
        int mask = tokens.size();
        tokens.add("<mask>");
        long[] types = Arrays.copyOf(entries.get("tokenizer.ggml.token_type") instanceof GgufValue.Ints t ? t.values() : new long[0], mask + 1);
        types[mask] = 3;
        entries.put("tokenizer.ggml.tokens", new GgufValue.Texts(tokens));
        entries.put("tokenizer.ggml.token_type", new GgufValue.Ints(GgufValue.Type.INT32, types));
        for (String name : List.of("jina-v2-de", "gpt-2")) {
            entries.put("tokenizer.ggml.pre", new GgufValue.Text(name));
            try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
                assertEquals(name.equals("gpt-2") ? 3 : 2, tokenizer.encode("a <mask>", false, true).length, name);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"afmoe", "superbpe", "exaone-moe", "gpt-4o", "deepseek-llm", "tiny_aya"})
    void longTextsTakeNoStackAndLittleTime(String name) {
        Map<String, GgufValue> entries = GOLDEN.metadata("bytes");
        entries.put("tokenizer.ggml.pre", new GgufValue.Text(name));
        try (Tokenizer tokenizer = GgufTokenizers.fromGguf(new GgufMetadata(entries))) {
            for (String unit : List.of("7", "a", "a b ", " ", "\u0e01\u0e34", "\u65e5", "'")) {
                String text = unit.repeat(60_000 / unit.length());
                assertEquals(text, tokenizer.decode(tokenizer.encode(text, false, false)));
            }
        }
    }

    @Test
    void aDigitGroupBelongsToWhatStandsBeforeIt() {
        assertEquals(List.of("ab1", "234", "567", "c123", "d"), pieces("afmoe", "ab1234567c123d").subList(0, 5));
    }

    /** The pieces of the first expression alone. */
    private static List<String> pieces(String name, String text) {
        var pre = PreTokenizer.named(name);
        var result = new ArrayList<String>();
        new PreTokenizer(List.of(pre.expressions().getFirst()), pre.whole(), pre.bos(), pre.writing()).splitting().split(text, true, result::add);
        return result;
    }

    @Test
    void anUnknownNameIsAnErrorThatListsTheKnown() {
        var e = assertThrows(ModelLoadException.class, () -> PreTokenizer.named("klingon"));
        assertTrue(e.getMessage().contains("\"klingon\"") && PreTokenizer.names().stream().allMatch(e.getMessage()::contains), e.getMessage());
    }
}
