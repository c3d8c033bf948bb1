package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.CompletionOutput;
import io.jllm.EngineMetrics;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import io.jllm.constraint.Constraint;
import io.jllm.constraint.TokenMask;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Tokens that a constraint leaves no choice about are computed several in a step: what is said, and how likely it was, stays the same. */
class KnownAheadTest {
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 64, 16, 4 * TinyLlm.CONTEXT);
    private static final List<Constraint> BOUND = List.of(
            Constraint.regex("(bcdefghijkl|mn|opqrstuvwx)*z"),
            Constraint.regex("(b[c-e]fffff|ghijklmnopqrstuv)+(xyz)?"),
            Constraint.choices(List.of("bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz", "bcdxyz", "nop")),
            Constraint.regex("([b-z]cdefg)*"));

    /** A constraint whose masks do not tell that there is no choice. */
    private record Silent(Constraint of) implements Constraint {
        @Override
        public TokenMask start(Tokenizer tokenizer) {
            return new Mask(of.start(tokenizer));
        }

        @Override
        public boolean accepts(String text) {
            return of.accepts(text);
        }

        private record Mask(TokenMask of) implements TokenMask {
            @Override
            public void allowed(long[] bits) {
                of.allowed(bits);
            }

            @Override
            public void allowed(long[] bits, int left) {
                of.allowed(bits, left);
            }

            @Override
            public int fewest() {
                return of.fewest();
            }

            @Override
            public boolean mayEnd() {
                return of.mayEnd();
            }

            @Override
            public boolean mayGoOn() {
                return of.mayGoOn();
            }

            @Override
            public TokenMask after(int token) {
                return new Mask(of.after(token));
            }
        }
    }

    private static Prompt prompt(int seed) {
        return Prompt.ofTokens(new Random(seed).ints(20, 0, LetterTokenizer.VOCAB).toArray());
    }

    /** Requests of every kind, with their constraints as they are or silent. */
    private static List<Request> requests(boolean silent) {
        var requests = new ArrayList<Request>();
        for (int i = 0; i < 60; i++) {
            Constraint bound = BOUND.get(i % BOUND.size());
            var params = SamplingParams.builder().seed(i).temperature(i % 3 * 0.7).maxTokens(7 + i).constraint(silent ? new Silent(bound) : bound);
            switch (i % 10) {
                case 1 -> params.n(3);
                case 2 -> params.stop("fgh", "cdx");
                case 3 -> params.logprobs(4).repetitionPenalty(1.3);
                case 4 -> params.promptLogprobs(2).logprobs(1);
                case 5 -> params.minTokens(5).ignoreEos(true);
                case 6 -> params.stopTokenIds(Set.of(7));
                case 7 -> params.logitBias(3, -2).logitBias(25, 3).topK(5);
                case 8 -> params.logitsProcessor(() -> (tokens, promptLength, length, logits) -> logits[length % logits.length] += 1);
                default -> {
                    // as it is
                }
            }
            requests.add(new Request(prompt(i % 7), params.build()));
        }
        return requests;
    }

    private static void assertSame(RequestOutput expected, RequestOutput actual) {
        assertEquals(expected.error().map(Throwable::getMessage), actual.error().map(Throwable::getMessage));
        assertEquals(expected.outputs().size(), actual.outputs().size());
        assertLogprobs(expected.promptLogprobs(), actual.promptLogprobs());
        for (int i = 0; i < expected.outputs().size(); i++) {
            CompletionOutput e = expected.outputs().get(i);
            CompletionOutput a = actual.outputs().get(i);
            assertArrayEquals(e.tokenIds(), a.tokenIds());
            assertEquals(e.text(), a.text());
            assertEquals(e.finishReason(), a.finishReason());
            assertEquals(e.stopReason(), a.stopReason());
            assertEquals(e.cumulativeLogprob(), a.cumulativeLogprob());
            assertLogprobs(e.logprobs(), a.logprobs());
        }
    }

    private static void assertLogprobs(List<TokenLogprobs> expected, List<TokenLogprobs> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertEquals(expected.get(i).id(), actual.get(i).id());
            assertEquals(expected.get(i).logprob(), actual.get(i).logprob());
            assertArrayEquals(expected.get(i).topIds(), actual.get(i).topIds());
            assertArrayEquals(expected.get(i).topLogprobs(), actual.get(i).topLogprobs());
        }
    }

    @Test
    void theSameIsSaidInFewerSteps() {
        for (EngineOptions options : List.of(OPTIONS, TinyLlm.options(8, 9, 4, 4 * TinyLlm.CONTEXT), TinyLlm.options(4, 16, 16, 160))) {
            try (LLM drawing = TinyLlm.open(options); LLM knowing = TinyLlm.open(options)) {
                List<RequestOutput> expected = drawing.generate(requests(true));
                List<RequestOutput> actual = knowing.generate(requests(false));
                for (int i = 0; i < expected.size(); i++) {
                    assertSame(expected.get(i), actual.get(i));
                }
                EngineMetrics slow = drawing.metrics();
                EngineMetrics fast = knowing.metrics();
                assertEquals(slow.generatedTokens(), fast.generatedTokens());
                assertEquals(slow.finishedBy(), fast.finishedBy());
                if (options == OPTIONS) { // the others have little room for tokens beside the newest
                    assertTrue(fast.steps() < slow.steps(), fast.steps() + " steps, not fewer than " + slow.steps());
                }
            }
        }
    }

    /** Where few tokens are left, those that cannot be followed by an end in time are left out: that changes nothing about the ones known ahead. */
    @Test
    void answersThatMustEndInTimeAreTheSame() {
        for (Constraint bound : List.of(BOUND.get(0), BOUND.get(0).unsteered(), Constraint.regex("(bcdefghijkl(m|nopqrstuvw))*xyz"))) {
            var drawn = new ArrayList<Request>();
            var known = new ArrayList<Request>();
            for (int most = 3; most < 60; most++) {
                var params = SamplingParams.builder().seed(most).temperature(1.5).maxTokens(most);
                drawn.add(new Request(prompt(most), params.constraint(new Silent(bound)).build()));
                known.add(new Request(prompt(most), params.constraint(bound).build()));
            }
            try (LLM drawing = TinyLlm.open(OPTIONS); LLM knowing = TinyLlm.open(OPTIONS)) {
                List<RequestOutput> expected = drawing.generate(drawn);
                List<RequestOutput> actual = knowing.generate(known);
                int cut = 0;
                for (int i = 0; i < expected.size(); i++) {
                    assertSame(expected.get(i), actual.get(i));
                    cut += bound.accepts(actual.get(i).text()) ? 0 : 1;
                }
                assertEquals(bound == bound.unsteered(), cut > 0, cut + " are cut under " + bound);
                assertTrue(knowing.metrics().steps() < drawing.metrics().steps());
            }
        }
    }

    @Test
    void oneAloneTakesFarFewerSteps() {
        SamplingParams params = SamplingParams.builder().seed(1).maxTokens(90).constraint(Constraint.choices(List.of(
                "bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz", "cdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz"))).build();
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestOutput out = llm.generate(List.of(new Request(prompt(1), params))).getFirst();
            assertEquals(FinishReason.STOP, out.outputs().getFirst().finishReason());
            assertTrue(out.tokenIds().length > 45);
            assertEquals(1 + Math.ceilDiv(out.tokenIds().length - 1, 17), llm.metrics().steps(), "one for the prompt, and 16 ahead in each");
            assertEquals(out.tokenIds().length, llm.metrics().generatedTokens());
            assertEquals(20, llm.metrics().prefillTokens());
        }
    }

    @Test
    void readersGetEachTokenByItself() {
        SamplingParams params = SamplingParams.builder().seed(3).maxTokens(40).constraint(BOUND.getFirst()).build();
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            var ids = new ArrayList<Integer>();
            var text = new StringBuilder();
            try (TokenStream stream = llm.stream(new Request(prompt(2), params))) {
                for (TokenStream.Piece piece : stream) {
                    piece.token().ifPresent(t -> ids.add(t.id()));
                    text.append(piece.text());
                }
            }
            RequestOutput whole = llm.generate(List.of(new Request(prompt(2), params))).getFirst();
            assertArrayEquals(whole.tokenIds(), ids.stream().mapToInt(Integer::intValue).toArray());
            assertEquals(whole.text(), text.toString());
        }
    }
}
