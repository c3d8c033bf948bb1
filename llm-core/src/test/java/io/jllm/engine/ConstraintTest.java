package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.constraint.Constraint;
import io.jllm.constraint.TokenMask;
import io.jllm.spi.ModelRunner;
import io.jllm.tokenizer.Tokenizer;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Requests under constraints: what they say obeys them, whatever else the engine does. */
class ConstraintTest {
    private static final EngineOptions OPTIONS = TinyLlm.options(8, 64, 16, 4 * TinyLlm.CONTEXT);
    private static final Constraint WORDS = Constraint.regex("(b[c-e]{2,5}f|gh+)*z");
    /** Everything that the letters can write. */
    private static final Constraint ANYTHING = Constraint.regex("[b-z]*");

    private static int[] prompt(int seed) {
        return new Random(seed).ints(20, 0, LetterTokenizer.VOCAB).toArray();
    }

    private static RequestOutput say(LLM llm, int prompt, SamplingParams params) {
        return llm.generate(List.of(Prompt.ofTokens(prompt(prompt))), params).getFirst();
    }

    private static void assertKept(Constraint c, CompletionOutput out) {
        if (out.finishReason() == FinishReason.STOP) {
            assertTrue(c.accepts(out.text()), out.text());
        }
    }

    @Test
    void aMaskThatForbidsNothingChangesNothing() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (int seed = 0; seed < 20; seed++) {
                SamplingParams free = SamplingParams.builder().seed(seed).temperature(seed % 3 * 0.7).topK(seed % 2 * 9).repetitionPenalty(1.1)
                        .maxTokens(30).build();
                RequestOutput without = say(llm, seed, free);
                RequestOutput with = say(llm, seed, free.toBuilder().constraint(ANYTHING).build());
                assertArrayEquals(without.tokenIds(), with.tokenIds());
                assertEquals(without.outputs().getFirst().finishReason(), with.outputs().getFirst().finishReason());
                assertEquals(without.outputs().getFirst().cumulativeLogprob(), with.outputs().getFirst().cumulativeLogprob(), 1e-4);
            }
        }
    }

    /** The oracle draws such rows itself; where a runner does not, the engine draws the same. */
    @Test
    void itDoesNotMatterWhereRowsAreDrawn() {
        UnaryOperator<ModelRunner> onHost = r -> (ModelRunner) Proxy.newProxyInstance(ModelRunner.class.getClassLoader(),
                new Class<?>[] {ModelRunner.class}, (_, method, arguments) -> method.getName().equals("samplesOnDevice") ? Boolean.FALSE
                        : method.invoke(r, arguments));
        try (LLM device = TinyLlm.open(OPTIONS); LLM host = TinyLlm.open(OPTIONS, onHost)) {
            for (int seed = 0; seed < 20; seed++) {
                SamplingParams params = SamplingParams.builder().seed(seed).temperature(seed % 3 * 0.7).topK(seed % 2 * 9).repetitionPenalty(1.1)
                        .maxTokens(30).constraint(WORDS).build();
                RequestOutput there = say(device, seed, params);
                RequestOutput here = say(host, seed, params);
                assertArrayEquals(here.tokenIds(), there.tokenIds());
                assertEquals(here.outputs().getFirst().cumulativeLogprob(), there.outputs().getFirst().cumulativeLogprob(), 1e-4);
                assertKept(WORDS, there.outputs().getFirst());
            }
        }
    }

    @Test
    void everyAnswerObeys() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            int ended = 0;
            for (int seed = 0; seed < 40; seed++) {
                RequestOutput out = say(llm, seed, SamplingParams.builder().seed(seed).temperature(1.5).n(3).maxTokens(60).constraint(WORDS).build());
                for (CompletionOutput o : out.outputs()) {
                    assertKept(WORDS, o);
                    ended += o.finishReason() == FinishReason.STOP ? 1 : 0;
                }
            }
            assertTrue(ended > 60, ended + " of 120 ended");
        }
    }

    @Test
    void whereNothingCanFollowTheTextEnds() {
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            Constraint c = Constraint.choices(List.of("bcd", "xyz"));
            RequestOutput out = say(llm, 1, SamplingParams.builder().seed(1).minTokens(20).maxTokens(30).ignoreEos(true).constraint(c).build());
            assertKept(c, out.outputs().getFirst());
            assertEquals(3, out.tokenIds().length, "no token ends it");
            assertEquals(FinishReason.STOP, out.outputs().getFirst().finishReason());
        }
    }

    @Test
    void samplingIsThatOfTheAllowedTokens() {
        int[] allowed = {3, 7, 8, 20};
        Constraint c = Constraint.regex("[dhiu]");
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            SamplingParams one = SamplingParams.builder().maxTokens(1).logprobs(26).temperature(1).build();
            var top = say(llm, 5, one.toBuilder().seed(0).build()).outputs().getFirst().logprobs().getFirst();
            double[] expected = new double[26];
            double sum = 0;
            for (int i = 0; i < 26; i++) {
                for (int a : allowed) {
                    if (top.topIds()[i] == a) {
                        expected[a] = Math.exp(top.topLogprobs()[i]);
                        sum += expected[a];
                    }
                }
            }
            int draws = 4000;
            int[] counts = new int[26];
            var many = new ArrayList<Prompt>();
            for (int i = 0; i < draws; i++) {
                many.add(Prompt.ofTokens(prompt(5)));
            }
            llm.generate(many, one.toBuilder().logprobs(0).constraint(c).build()).forEach(o -> counts[o.tokenIds()[0]]++);
            double chi = 0;
            int counted = 0;
            for (int a : allowed) {
                double e = draws * expected[a] / sum;
                chi += (counts[a] - e) * (counts[a] - e) / e;
                counted += counts[a];
            }
            assertEquals(draws, counted);
            assertTrue(chi < 25, "chi-square of 3 degrees of freedom: " + chi); // above it by chance once in 65,000 runs
        }
    }

    @Test
    void beamsObey() {
        Constraint word = Constraint.regex("b[c-e]{2,5}f[gh]?");
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            for (int seed = 0; seed < 10; seed++) {
                RequestOutput out = llm.beamSearch(List.of(Prompt.ofTokens(prompt(seed))),
                        BeamSearchParams.builder(4).n(3).maxTokens(25).constraint(word).build()).getFirst();
                out.outputs().forEach(o -> assertKept(word, o));
                assertTrue(out.outputs().stream().allMatch(o -> o.finishReason() == FinishReason.STOP));
            }
            RequestOutput refused = llm.beamSearch(List.of(Prompt.ofTokens(prompt(1))),
                    BeamSearchParams.builder(2).maxTokens(5).ignoreEos(true).constraint(WORDS).build()).getFirst();
            assertEquals(FinishReason.ERROR, refused.outputs().getFirst().finishReason());
        }
    }

    @Test
    void preemptionAndSharedPrefixesChangeNothing() {
        SamplingParams params = SamplingParams.builder().seed(3).temperature(1).maxTokens(60).constraint(WORDS).build();
        var prompts = new ArrayList<Prompt>();
        for (int i = 0; i < 6; i++) {
            prompts.add(Prompt.ofTokens(prompt(i % 3)));
        }
        try (LLM roomy = TinyLlm.open(OPTIONS); LLM narrow = TinyLlm.open(TinyLlm.options(8, 16, 16, 160))) {
            List<RequestOutput> expected = roomy.generate(prompts, params);
            List<RequestOutput> actual = narrow.generate(prompts, params);
            for (int i = 0; i < prompts.size(); i++) {
                assertArrayEquals(expected.get(i).tokenIds(), actual.get(i).tokenIds());
                assertKept(WORDS, actual.get(i).outputs().getFirst());
            }
        }
    }

    /** An application's own automaton: letters in ascending order. */
    private record Ascending(int last) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            bits[0] = (1L << LetterTokenizer.VOCAB) - 1 & -1L << last + 1;
        }

        @Override
        public boolean mayEnd() {
            return last > 3;
        }

        @Override
        public boolean mayGoOn() {
            return last < LetterTokenizer.VOCAB - 1;
        }

        @Override
        public TokenMask after(int token) {
            return new Ascending(token);
        }
    }

    @Test
    void anApplicationsOwnConstraint() {
        Constraint ascending = new Constraint() {
            @Override
            public TokenMask start(Tokenizer tokenizer) {
                return new Ascending(0);
            }

            @Override
            public boolean accepts(String text) {
                return text.chars().allMatch(c -> c >= 'a');
            }
        };
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            int[] ids = say(llm, 2, SamplingParams.builder().seed(2).temperature(2).constraint(ascending).build()).tokenIds();
            for (int i = 1; i < ids.length; i++) {
                assertTrue(ids[i] > ids[i - 1] || ids[i] == LetterTokenizer.EOS && i == ids.length - 1);
            }
        }
    }

    @Test
    void whatFailsFailsAlone() {
        Constraint broken = new Constraint() {
            @Override
            public TokenMask start(Tokenizer tokenizer) {
                return new TokenMask() {
                    @Override
                    public void allowed(long[] bits) {
                        throw new IllegalStateException("broken");
                    }

                    @Override
                    public boolean mayEnd() {
                        return false;
                    }

                    @Override
                    public boolean mayGoOn() {
                        return true;
                    }

                    @Override
                    public TokenMask after(int token) {
                        return this;
                    }
                };
            }

            @Override
            public boolean accepts(String text) {
                return false;
            }
        };
        try (LLM llm = TinyLlm.open(OPTIONS)) {
            RequestOutput out = say(llm, 2, SamplingParams.builder().constraint(broken).build());
            assertEquals(FinishReason.ERROR, out.outputs().getFirst().finishReason());
            Constraint digits = Constraint.regex("[0-9]+");
            assertEquals(FinishReason.ERROR, say(llm, 2, SamplingParams.builder().constraint(digits).build()).outputs().getFirst().finishReason(),
                    "the letters have no digits");
            assertTrue(say(llm, 2, SamplingParams.builder().maxTokens(3).build()).tokenIds().length > 0);
            Constraint empty = Constraint.choices(List.of(""));
            assertThrows(RuntimeException.class, () -> {
                RequestOutput o = say(llm, 2, SamplingParams.builder().constraint(empty).build());
                o.error().ifPresent(e -> {
                    throw e;
                });
            });
        }
    }
}
