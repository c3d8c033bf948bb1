package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;

/** Continues a text. Arguments: model, text; without them the demo model tells a tale. */
public final class Generate {
    private Generate() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        String prompt = args.length > 1 ? args[1] : "Once upon a time";
        try (LLM llm = LLM.load(model).open()) {
            SamplingParams params = SamplingParams.builder().temperature(0.7).topP(0.9).maxTokens(60).seed(1).build();
            System.out.println(prompt + llm.generate(prompt, params).text());
        }
    }
}
