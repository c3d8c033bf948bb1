package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonNull;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.TokenLogprobs;
import io.jllm.examples.cli.inspect.InspectionText;
import io.jllm.examples.cli.options.SamplingOptions;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Failures;
import io.jllm.examples.cli.output.Json;
import io.jllm.examples.cli.output.Output;
import io.jllm.examples.cli.perplexity.PerplexityWindows;
import io.jllm.spi.OutOfMemory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class PartsTest {
    @Test
    void exceptionsBecomeExitCodes() {
        assertEquals(2, Failures.exitCode(new ModelLoadException("x")));
        assertEquals(2, Failures.exitCode(new CompletionException(new IllegalArgumentException("x"))));
        assertEquals(2, Failures.exitCode(new UncheckedIOException(new NoSuchFileException("x"))));
        assertEquals(1, Failures.exitCode(new IllegalStateException("x")));
        assertEquals(1, Failures.exitCode(new UncheckedIOException(new IOException("x"))));
        assertEquals(1, Failures.exitCode(new OutOfMemoryError("x")));
    }

    @Test
    void exceptionsBecomeOneLine() {
        assertEquals("a; b", Failures.line(new IllegalArgumentException("a\n  b\n")));
        assertEquals("there is no file f", Failures.line(new NoSuchFileException("f")));
        assertEquals("no permission to use f", Failures.line(new AccessDeniedException("f")));
        assertEquals("NullPointerException", Failures.line(new NullPointerException()));
        assertEquals("IllegalStateException: x", Failures.line(new IllegalStateException("x")));
        String heap = Failures.line(new OutOfMemoryError("Java heap space"));
        assertTrue(heap.contains("raise it with -Xmx") && heap.contains("JLLM_JAVA_OPTS"), heap);
        // whatever it was taken for on its way, unless that says the same
        var misread = new ModelLoadException("tokenizer.json is not valid JSON", new IllegalStateException(new OutOfMemoryError("Java heap space")));
        assertEquals(heap, Failures.line(misread));
        assertEquals(1, Failures.exitCode(misread));
        var map = new IOException("Map failed", new OutOfMemoryError("Map failed"));
        String mapped = Failures.line(new ModelLoadException("cannot read m: " + OutOfMemory.describe((OutOfMemoryError) map.getCause()), map));
        assertTrue(mapped.startsWith("cannot read m: the system gives no more memory (Map failed): free some"), mapped);
    }

    @Test
    void argumentsAreReadAgainFromTheirBytes() {
        byte[] line = "java\0-cp\0x\0Main\0a\0\0K\u00f6nig\0".getBytes(StandardCharsets.UTF_8);
        assertArrayEquals(new String[] {"a", "", "K\u00f6nig"}, Arguments.typed(new String[] {"a", "", "K??nig"}, line));
        line[line.length - 5] = (byte) 0xc3; // twice
        String message = assertThrows(BadInput.class, () -> Arguments.typed(new String[] {"", "K???nig"}, line)).getMessage();
        assertTrue(message.contains("argument 2") && message.contains("byte 1 is 0xc3"), message);
        assertArrayEquals(new String[] {"\u00e4", "b"}, Arguments.typed(new String[] {"\u00e4", "b"}, new byte[0]));
        String lost = assertThrows(BadInput.class, () -> Arguments.typed(new String[] {"a\ufffd"}, new byte[0])).getMessage();
        assertTrue(lost.contains("argument 1") && lost.contains("LC_ALL=C.UTF-8"), lost);
    }

    @Test
    void reasonsThatAreAlikeAreGrouped() {
        var reasons = new ArrayList<String>();
        for (int i = 0; i < 30; i++) {
            reasons.add("cpu: tensor blk." + i + ".attn_q.weight has type Q4_1, which cannot be read here");
            reasons.add("cpu: tensor blk." + i + ".attn_norm.weight is " + i + " x 1, the model needs " + (i + 1) + " x 1");
        }
        reasons.add("cuda: no NVIDIA driver was found");
        assertEquals(List.of("cpu: tensor blk.0.attn_q.weight has type Q4_1, which cannot be read here",
                "cpu: tensor blk.1.attn_q.weight has type Q4_1, which cannot be read here",
                "cpu: tensor blk.2.attn_q.weight has type Q4_1, which cannot be read here", "... and 27 more like these",
                "cpu: tensor blk.0.attn_norm.weight is 0 x 1, the model needs 1 x 1",
                "cpu: tensor blk.1.attn_norm.weight is 1 x 1, the model needs 2 x 1",
                "cpu: tensor blk.2.attn_norm.weight is 2 x 1, the model needs 3 x 1", "... and 27 more like these",
                "cuda: no NVIDIA driver was found"), InspectionText.brief(reasons));
        assertEquals(reasons.subList(58, 61), InspectionText.brief(reasons.subList(58, 61)));
        assertEquals(List.of("a has type IQ4_XS", "a has type Q4_1"), InspectionText.brief(List.of("a has type IQ4_XS", "a has type Q4_1")));
    }

    @Test
    void messagesNameOptions() {
        assertEquals("--top-p must be x", SamplingOptions.asTyped("topP must be x"));
        assertEquals("--repetition-penalty must be x", SamplingOptions.asTyped("repetitionPenalty must be x"));
        assertEquals("something topP", SamplingOptions.asTyped("something topP"));
    }

    @Test
    void linesKeepWhatTheyHold() {
        assertEquals(List.of(), Texts.lines(""));
        assertEquals(List.of("a", "", " b\t"), Texts.lines("a\n\n b\t"));
        assertEquals(List.of("a", "b\rc"), Texts.lines("a\r\nb\rc\r\n"));
        assertEquals(List.of("", ""), Texts.lines("\r\n\n"));
    }

    @Test
    void aReaderThatLeavesIsNoFailure() {
        var closed = new Output(failing("Broken pipe"));
        closed.print("x");
        assertEquals(0, Failures.exitCode(assertThrows(RuntimeException.class, closed::flush)));
        var full = new Output(failing("No space left on device"));
        full.print("x");
        RuntimeException e = assertThrows(RuntimeException.class, full::flush);
        assertEquals(1, Failures.exitCode(e));
        assertTrue(Failures.line(e).contains("No space left"), Failures.line(e));
    }

    @Test
    void jsonNumbersKeepEveryDigit() {
        for (float f : new float[] {1 / 3f, 1e-30f, -17.123457f, 16777216f}) {
            assertEquals(f, Float.parseFloat(Json.line(Json.number(f))));
        }
        assertEquals(1 / 3.0, Double.parseDouble(Json.line(Json.number(1 / 3.0))));
        assertEquals(JsonNull.INSTANCE, Json.number(Float.NaN));
        assertEquals("1.235", Json.line(Json.rounded(1.23456)));
    }

    /** Windows of 6 tokens: tokens 4 and 5 are scored, from logits at 3 and 4, and the ninth and later tokens left out. */
    @Test
    void perplexityWindowsFollowTheProtocol() {
        var windows = new PerplexityWindows(new int[] {1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}, 6, OptionalInt.of(1));
        assertEquals(2, windows.count());
        assertEquals(4, windows.scored());
        assertEquals(Prompt.ofTokens(1, 10, 11, 12, 13, 14), windows.prompt(0));
        assertEquals(Prompt.ofTokens(1, 16, 17, 18, 19, 20), windows.prompt(1));
        assertEquals(Prompt.ofTokens(15, 16, 17, 18, 19, 20),
                new PerplexityWindows(windows.tokens(), 6, OptionalInt.empty()).prompt(1));
        var logprobs = new ArrayList<TokenLogprobs>();
        for (int i = 0; i < 6; i++) {
            logprobs.add(new TokenLogprobs(i, i == 0 ? Float.NaN : -(1 << i), new int[0], new float[0]));
        }
        var result = new RequestOutput(1, Prompt.ofTokens(1), new int[] {1}, logprobs, List.of(),
                new RequestOutput.Metrics(Duration.ZERO, Duration.ZERO, Optional.empty(), Duration.ZERO, 1, 0, 0, 0), Optional.empty());
        assertEquals((1 << 4) + (1 << 5), windows.negativeLogLikelihood(result));
        // Odd sizes: llama-perplexity scores n - 1 - n / 2 tokens, from n / 2 on.
        assertEquals(2 * 3, new PerplexityWindows(new int[14], 7, OptionalInt.empty()).scored());
    }

    private static OutputStream failing(String message) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(message);
            }
        };
    }
}
