package io.jllm.examples;

import io.jllm.BeamSearchParams;
import io.jllm.CompletionOutput;
import io.jllm.LLM;
import io.jllm.RequestOutput;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;
import java.util.Locale;

/** Searches for the likeliest continuations, best first. Arguments: model, text; without them the demo model tells tales. */
public final class Beam {
    private Beam() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        String prompt = args.length > 1 ? args[1] : "Once upon a time";
        try (LLM llm = LLM.load(model).open()) {
            RequestOutput result = llm.beamSearch(prompt, BeamSearchParams.builder(4).n(3).maxTokens(30).build());
            for (CompletionOutput output : result.outputs()) {
                System.out.printf(Locale.ROOT, "%.4f %s%s%n", output.score().orElseThrow(), prompt, output.text().replace('\n', ' '));
            }
        }
    }
}
