package io.jllm.examples.cli.options;

import io.jllm.BeamSearchParams;
import io.jllm.Prompt;
import io.jllm.Request;

/** What is asked of a model: to draw texts, or to search for the likeliest. */
public sealed interface Asked {
    /** To draw. */
    record Drawn(Request request) implements Asked {
    }

    /** To search. */
    record Searched(Prompt prompt, BeamSearchParams params) implements Asked {
    }
}
