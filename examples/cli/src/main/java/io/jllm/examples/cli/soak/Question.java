package io.jllm.examples.cli.soak;

import io.jllm.BeamSearchParams;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.SamplingParams;
import java.time.Duration;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * What has one answer, whatever else runs: a prompt and settings under which nothing is left to chance.
 *
 * @param number its place among all questions of a soak
 * @param prompt what to continue
 * @param settings how
 */
record Question(int number, Prompt.Tokens prompt, Settings settings) {
    /** How to continue. */
    sealed interface Settings {
        /** By greedy or seeded sampling. */
        record Drawn(SamplingParams params) implements Settings {
        }

        /** By a beam search. */
        record Searched(BeamSearchParams params) implements Settings {
        }
    }

    /** Whether it is a beam search. */
    boolean searched() {
        return settings instanceof Settings.Searched;
    }

    /** Whether beams or several outputs are asked for. */
    boolean alone() {
        return settings instanceof Settings.Drawn d && d.params().n() == 1;
    }

    /** The same with another urgency, which changes no answer. */
    Question priority(int value) {
        return with(d -> d.toBuilder().priority(value).build(), s -> s.toBuilder().priority(value).build());
    }

    /** The same with little time. */
    Question timeout(Duration value) {
        return with(d -> d.toBuilder().timeout(value).build(), s -> s.toBuilder().timeout(value).build());
    }

    /** The same with what a processor of its own does, if it has one, and then that. */
    Question processor(UnaryOperator<LogitsProcessor> wrapper) {
        return with(d -> d.toBuilder().logitsProcessor(wrapped(d.logitsProcessor().orElse(() -> LogitsProcessors.NOTHING), wrapper)).build(),
                s -> s.toBuilder().logitsProcessor(wrapped(s.logitsProcessor().orElse(() -> LogitsProcessors.NOTHING), wrapper)).build());
    }

    private static Supplier<LogitsProcessor> wrapped(Supplier<LogitsProcessor> own, UnaryOperator<LogitsProcessor> wrapper) {
        return () -> wrapper.apply(own.get());
    }

    /** The same of a prompt that no model understands. */
    Question unintelligible(int vocab) {
        return new Question(number, new Prompt.Tokens(new int[] {0, vocab}), settings);
    }

    private Question with(UnaryOperator<SamplingParams> drawn, UnaryOperator<BeamSearchParams> searched) {
        return new Question(number, prompt, switch (settings) {
            case Settings.Drawn d -> new Settings.Drawn(drawn.apply(d.params()));
            case Settings.Searched s -> new Settings.Searched(searched.apply(s.params()));
        });
    }

    /** Leaves it with an engine. */
    RequestHandle submit(LLM llm) {
        return switch (settings) {
            case Settings.Drawn d -> llm.submit(new Request(prompt, d.params()));
            case Settings.Searched s -> llm.submit(prompt, s.params());
        };
    }
}
