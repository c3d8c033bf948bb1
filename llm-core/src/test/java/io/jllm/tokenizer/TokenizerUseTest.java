package io.jllm.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.gguf.GgufMetadata;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** Threads, long texts, closing, and what is left alone. */
class TokenizerUseTest {
    private static Tokenizer open(String name) {
        return name.startsWith("gguf") ? GgufTokenizers.fromGguf(new GgufMetadata(Golden.metadata(name)))
                : HuggingFaceTokenizers.fromFolder(Golden.folder(name));
    }

    @Test
    void manyThreadsEncodeAtOnce() throws Exception {
        String text = "The cat and the wind <|bos|> \ud83e\udd99 123 ".repeat(20);
        try (Tokenizer tokenizer = open("gguf-sentence-piece"); var threads = Executors.newFixedThreadPool(4)) {
            int[] expected = tokenizer.encode(text);
            String decoded = tokenizer.decode(expected);
            Callable<Void> work = () -> {
                for (int n = 0; n < 200; n++) {
                    assertArrayEquals(expected, tokenizer.encode(text));
                    assertEquals(decoded, tokenizer.decode(expected));
                }
                return null;
            };
            for (var result : threads.invokeAll(List.of(work, work, work, work))) {
                result.get();
            }
        }
    }

    @Test
    void closingWaitsForThoseWhoEncode() throws Exception {
        for (int n = 0; n < 10; n++) {
            Tokenizer tokenizer = open("gguf-byte-level");
            try (var threads = Executors.newFixedThreadPool(3)) {
                Callable<Boolean> work = () -> {
                    try {
                        while (true) {
                            tokenizer.encode("The cat and the wind ".repeat(50));
                        }
                    } catch (IllegalStateException e) {
                        return e.getMessage().contains("closed");
                    }
                };
                var results = List.of(threads.submit(work), threads.submit(work), threads.submit(work));
                Thread.sleep(5);
                tokenizer.close();
                tokenizer.close();
                for (var result : results) {
                    assertTrue(result.get());
                }
                assertEquals("a", tokenizer.decode(new int[] {tokenizer.vocabSize() + 1, idOf(tokenizer, "a")}), "the table stays");
            }
            assertThrows(IllegalStateException.class, () -> tokenizer.encode("x"));
        }
    }

    private static int idOf(Tokenizer tokenizer, String token) {
        int id = 0;
        while (!tokenizer.token(id).equals(token)) {
            id++;
        }
        return id;
    }

    /** No truncation, and nothing that grows with the square of the length. */
    @Test
    void longTextsAreTakenWhole() {
        List<String> texts = List.of("Once upon a time, the cat said: it's 1234 o'clock.\n".repeat(6_000), "a".repeat(100_000),
                "the".repeat(30_000), " ".repeat(100_000), "\n".repeat(100_000), "\u65e5".repeat(30_000), "<|bos|>".repeat(10_000),
                "<|bos|>a".repeat(5_000), "<|".repeat(50_000), "!".repeat(100_000));
        for (String name : List.of("gguf-sentence-piece", "byte-level")) {
            try (Tokenizer tokenizer = open(name)) {
                for (String text : texts) {
                    int[] ids = tokenizer.encode(text, false, true);
                    if (!text.contains("<|bos|>")) {
                        assertEquals(text, tokenizer.decode(ids), name);
                    }
                    assertTrue(ids.length > 512, name);
                }
            }
        }
    }
}
