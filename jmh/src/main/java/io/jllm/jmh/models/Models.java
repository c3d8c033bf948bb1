package io.jllm.jmh.models;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** Models to measure, and what to ask of them. */
public final class Models {
    /** The value of a benchmark's parameter {@code model} that stands for the demo model. */
    public static final String DEMO = "demo";

    private Models() {
    }

    /** Prepares to load {@link #DEMO}, or the GGUF file or Hugging Face folder of that path. */
    public static LlmBuilder load(String model) {
        return LLM.load(model.equals(DEMO) ? DemoModel.path() : Path.of(model));
    }

    /** A prompt of random tokens. */
    public static Prompt prompt(LLM llm, SplittableRandom random, int tokens) {
        return Prompt.ofTokens(ids(llm, random, tokens));
    }

    /** Random tokens. */
    public static int[] ids(LLM llm, SplittableRandom random, int tokens) {
        return random.ints(tokens, 0, llm.config().vocab()).toArray();
    }

    /** The results, if all are good; else what the first bad one failed with. A benchmark of failures measures nothing. */
    public static List<RequestOutput> good(List<RequestOutput> results) {
        for (RequestOutput r : results) {
            if (r.error().isPresent()) {
                throw r.error().get();
            }
        }
        return results;
    }
}
