package io.jllm.examples.cli.soak;

import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import java.util.List;

/** Asks a question when nobody else asks. */
@FunctionalInterface
interface Soloist {
    /** The answer. */
    RequestOutput answer(Question question);

    /** One that has an LLM to itself. */
    static Soloist of(LLM llm) {
        return q -> switch (q.settings()) {
            case Question.Settings.Drawn d -> llm.generate(List.of(new Request(q.prompt(), d.params()))).getFirst();
            case Question.Settings.Searched s -> llm.beamSearch(List.of(q.prompt()), s.params()).getFirst();
        };
    }
}
