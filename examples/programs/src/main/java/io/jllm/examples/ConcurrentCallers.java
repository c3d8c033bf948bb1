package io.jllm.examples;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.nio.file.Path;
import java.util.concurrent.Executors;

/** Many threads ask one LLM, and share each pass over its weights. Arguments: model, callers; without them 20 ask the demo model. */
public final class ConcurrentCallers {
    private ConcurrentCallers() {
    }

    /** Runs it. */
    public static void main(String[] args) {
        Path model = args.length > 0 ? Path.of(args[0]) : DemoModel.path();
        int callers = args.length > 1 ? Integer.parseInt(args[1]) : 20;
        try (LLM llm = LLM.load(model).open()) {
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < callers; i++) {
                    SamplingParams params = SamplingParams.builder().temperature(0.8).maxTokens(20).seed(i).build();
                    threads.submit(() -> {
                        String text = llm.generate("The princess", params).text();
                        System.out.println("The princess" + text.replace('\n', ' '));
                    });
                }
            } // waits for all of them
            System.out.printf("[%d tokens in %d steps]%n", llm.metrics().generatedTokens(), llm.metrics().steps());
        }
    }
}
