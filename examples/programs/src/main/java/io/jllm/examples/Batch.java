package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;

/** Continues several texts at once, with the results in their order. Argument: a model; without it the demo model tells tales. */
public final class Batch {
    private Batch() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        try (LLM llm = LLM.load(model).open()) {
            var prompts = Prompt.all("The wolf said", "In a deep forest", "The king had three daughters", "At midnight");
            SamplingParams params = SamplingParams.builder().temperature(0.7).topP(0.9).maxTokens(40).seed(1).build();
            for (RequestOutput result : llm.generate(prompts, params)) {
                // A prompt that cannot be continued fails alone, as a value.
                String text = result.error().map(Throwable::getMessage).orElseGet(result::text);
                System.out.println(((Prompt.Text) result.prompt()).text() + text.replace('\n', ' '));
            }
        }
    }
}
