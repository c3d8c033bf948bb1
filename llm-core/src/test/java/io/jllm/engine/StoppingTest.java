package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.StopReason;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What ends a text, on a model that is made to say the alphabet and then its end-of-sequence token. */
class StoppingTest {
    private static final LLM LLM = TinyLlm.open(TinyLlm.options(4, 64, 16, 2 * TinyLlm.CONTEXT));
    private static final LogitsProcessor ALPHABET = (tokens, prompt, length, logits) -> {
        int next = (tokens[length - 1] + 1) % LetterTokenizer.VOCAB;
        int second = next == 0 ? 1 : next + 1;
        Arrays.fill(logits, -50);
        logits[next] = 50;
        logits[second % LetterTokenizer.VOCAB] = 10;
    };

    @AfterAll
    static void close() {
        LLM.close();
    }

    private static SamplingParamsBuilder alphabet() {
        return SamplingParams.builder().temperature(0).maxTokens(60).logitsProcessor(() -> ALPHABET);
    }

    private static RequestOutput say(SamplingParams params) {
        return LLM.generate("d", params);
    }

    @Test
    void theModelEndsItself() {
        RequestOutput out = say(alphabet().build());
        assertEquals("efghijklmnopqrstuvwxyz", out.text());
        assertEquals(FinishReason.STOP, out.finishReason());
        assertEquals(Optional.of(new StopReason.Token(0)), out.outputs().getFirst().stopReason());
        assertEquals(LetterTokenizer.EOS, out.tokenIds()[out.tokenIds().length - 1]);
    }

    /** Where special tokens are shown, they are text like any other, in which stop strings are found; not the one that ends it. */
    @Test
    void specialTokensAreShown() {
        RequestOutput out = say(alphabet().ignoreEos(true).skipSpecialTokens(false).maxTokens(25).build());
        assertEquals("efghijklmnopqrstuvwxyz<end>bc", out.text());
        assertEquals("efghijklmnopqrstuvwxyz", say(alphabet().skipSpecialTokens(false).build()).text());
        RequestOutput stopped = say(alphabet().ignoreEos(true).skipSpecialTokens(false).stop("nd>b").build());
        assertEquals("efghijklmnopqrstuvwxyz<e", stopped.text());
    }

    /** Each piece of a stream has its token with alternatives, as the result has. */
    @Test
    void piecesTellAlternatives() {
        try (TokenStream stream = LLM.stream(Prompt.of("d"), alphabet().logprobs(3).maxTokens(4).build())) {
            var tokens = new ArrayList<TokenLogprobs>();
            stream.forEach(p -> p.token().ifPresent(tokens::add));
            assertEquals(4, tokens.size());
            assertEquals(stream.result().join().outputs().getFirst().logprobs(), tokens);
            assertEquals(3, tokens.getFirst().topIds().length);
        }
    }

    @Test
    void ignoringTheEnd() {
        RequestOutput out = say(alphabet().ignoreEos(true).maxTokens(25).build());
        assertEquals(25, out.tokenIds().length);
        assertEquals(FinishReason.LENGTH, out.finishReason());
        assertTrue(out.text().startsWith("efgh") && out.text().endsWith("zbc"), out.text());
    }

    @Test
    void stopStringsAreLeftOut() {
        RequestOutput out = say(alphabet().stop("xyz", "lmn", "lm!").build());
        assertEquals("efghijk", out.text());
        assertEquals(Optional.of(new StopReason.Text("lmn")), out.outputs().getFirst().stopReason());
        assertEquals(FinishReason.STOP, out.finishReason());
        assertEquals("efghijk", read(alphabet().stop("xyz", "lmn").build()));
    }

    @Test
    void textHeldBackForAStopStringComesAtTheEnd() {
        assertEquals("efgh", read(alphabet().stop("ghij").maxTokens(4).build()));
    }

    private static String read(SamplingParams params) {
        var text = new StringBuilder();
        for (TokenStream.Piece p : LLM.stream(Prompt.of("d"), params)) {
            text.append(p.text());
        }
        return text.toString();
    }

    @Test
    void stopTokens() {
        RequestOutput out = say(alphabet().stopTokenIds(List.of(7)).build());
        assertEquals("efg", out.text());
        assertEquals(Optional.of(new StopReason.Token(7)), out.outputs().getFirst().stopReason());
        assertArrayEquals(new int[] {4, 5, 6, 7}, out.tokenIds());
    }

    @Test
    void nothingStopsBeforeMinTokens() {
        RequestOutput out = say(alphabet().stopTokenIds(List.of(6)).stop("fh").minTokens(5).build());
        // g (6) and the stop string "fh" that its absence makes are passed over; then the alphabet goes on to its end
        assertFalse(out.text().contains("g"));
        assertTrue(out.text().startsWith("efhij"), out.text());
        assertTrue(out.tokenIds().length >= 5);
        assertEquals(Optional.of(new StopReason.Token(0)), out.outputs().getFirst().stopReason());
    }

    /** A stop string that the tokens up to minTokens only began counts, wherever the limit cuts it; one that they completed does not. */
    @Test
    void aStopStringMayBeginBeforeMinTokens() {
        for (int least = 0; least <= 12; least++) {
            SamplingParams params = alphabet().stop("hijk", "xy").minTokens(least).build();
            boolean passed = least >= 7; // k is the seventh token
            RequestOutput out = say(params);
            assertEquals(passed ? "efghijklmnopqrstuvw" : "efg", out.text(), least + " tokens at least");
            assertEquals(Optional.of(new StopReason.Text(passed ? "xy" : "hijk")), out.outputs().getFirst().stopReason());
            assertEquals(passed ? 21 : 7, out.tokenIds().length);
            assertEquals(out.text(), read(params), least + " tokens at least, streamed");
        }
        RequestOutput cut = say(alphabet().stop("fgh").minTokens(4).maxTokens(4).build());
        assertEquals("efgh", cut.text());
        assertEquals(FinishReason.LENGTH, cut.finishReason());
    }

    /** Says the ids in turn, and then the last of them again and again. */
    private static SamplingParamsBuilder script(int... ids) {
        LogitsProcessor script = (tokens, prompt, length, logits) -> {
            Arrays.fill(logits, -50);
            logits[ids[Math.min(length - prompt, ids.length - 1)]] = 50;
        };
        return SamplingParams.builder().temperature(0).maxTokens(ids.length).ignoreEos(true).logitsProcessor(() -> script);
    }

    @ParameterizedTest
    @CsvSource({
        "<end>,       bc,   3", // special tokens alone
        "<end><end>,  bcd,  6",
        "c<end>,      b,    3", // with text before, after and between
        "<end>d,      bc,   4",
        "d<end><end>e, bc,  7",
        "<end>de,     '',   0", // not there
        "e<end>,      '',   0",
        "cd,          b,    4", // in the text as it is given out, of which special tokens are no part
        "<end,        '',   0", // no special token, only a piece of how it is written
        "d>,          '',   0",
    })
    void stopStringsMayHoldSpecialTokens(String stop, String text, int tokens) {
        SamplingParams params = script(1, 2, 0, 3, 0, 0, 4).stop(stop, "nowhere").build();
        RequestOutput out = say(params);
        assertEquals(tokens == 0 ? "bcde" : text, out.text());
        assertEquals(tokens == 0 ? 7 : tokens, out.tokenIds().length);
        assertEquals(tokens == 0 ? FinishReason.LENGTH : FinishReason.STOP, out.finishReason());
        assertEquals(tokens == 0 ? Optional.empty() : Optional.of(new StopReason.Text(stop)), out.outputs().getFirst().stopReason());
        assertEquals(out.text(), read(params));
        RequestOutput several = say(params.toBuilder().n(3).build());
        several.outputs().forEach(o -> assertEquals(out.text(), o.text()));
    }

    /** Where the model ends itself by the token that a stop string names, the stop string is what ended it. */
    @Test
    void aStopStringMayNameTheEndOfSequence() {
        RequestOutput out = say(script(1, 2, 0).ignoreEos(false).stop("c<end>").build());
        assertEquals("b", out.text());
        assertEquals(Optional.of(new StopReason.Text("c<end>")), out.outputs().getFirst().stopReason());
        RequestOutput other = say(script(1, 2, 0).ignoreEos(false).stop("d<end>").build());
        assertEquals("bc", other.text());
        assertEquals(Optional.of(new StopReason.Token(0)), other.outputs().getFirst().stopReason());
    }

    @Test
    void specialTokensBeforeMinTokensDoNotStop() {
        for (int least = 0; least <= 7; least++) {
            RequestOutput out = say(script(1, 2, 0, 3, 0, 0, 4).stop("<end>").minTokens(least).build());
            assertEquals(List.of(3, 3, 3, 5, 5, 6, 7, 7).get(least), out.tokenIds().length, least + " tokens at least");
        }
    }

    @Test
    void noTokensAtAll() {
        RequestOutput out = say(SamplingParams.builder().maxTokens(0).promptLogprobs(0).build());
        assertEquals(0, out.tokenIds().length);
        assertEquals(FinishReason.LENGTH, out.finishReason());
        assertEquals(1, out.promptLogprobs().size());
    }

    @Test
    void metricsAreFilled() {
        RequestOutput out = say(alphabet().maxTokens(5).build());
        assertEquals(1, out.metrics().promptTokens());
        assertEquals(5, out.metrics().generatedTokens());
        assertTrue(out.metrics().timeToFirstToken().isPositive());
        assertTrue(out.metrics().total().compareTo(out.metrics().timeToFirstToken()) >= 0);
        assertTrue(out.metrics().timeToFirstToken().compareTo(out.metrics().queued()) >= 0);
    }
}
