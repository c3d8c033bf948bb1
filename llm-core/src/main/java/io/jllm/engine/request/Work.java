package io.jllm.engine.request;

import io.jllm.BeamSearchParams;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.engine.sequence.Pool;
import java.util.Optional;

/** What a caller asks the engine for. */
public sealed interface Work {
    Prompt prompt();

    /** The name of the adapter to compute with, if any. */
    Optional<String> adapter();

    /** Sampled outputs of a prompt. */
    record Generate(Prompt prompt, SamplingParams params) implements Work {
        @Override
        public Optional<String> adapter() {
            return params.adapter();
        }
    }

    /** The vector of a text, gathered in a pool. */
    record Embed(Prompt prompt, Pool pool, Optional<String> adapter) implements Work {
    }

    /** The likeliest texts after a prompt, by beam search. */
    record Search(Prompt prompt, BeamSearchParams params) implements Work {
        @Override
        public Optional<String> adapter() {
            return params.adapter();
        }
    }
}
