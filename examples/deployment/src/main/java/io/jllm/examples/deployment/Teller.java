package io.jllm.examples.deployment;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;

/**
 * Continues a text on threads of several kinds. Arguments: model, then {@code main}, {@code pool}, {@code virtual}, {@code platform}, {@code none}.
 */
public final class Teller {
    private Teller() {
    }

    /** Runs it: a line for each kind. */
    public static void main(String[] args) throws Exception {
        for (int i = 1; i < args.length; i++) {
            System.out.println(args[i] + ": " + on(args[i], () -> tell(args[0])));
        }
    }

    /** Eight tokens, always the same. */
    public static String tell(String model) {
        try (LLM llm = LLM.load(Path.of(model)).open()) {
            return llm.generate("Once upon a time", SamplingParams.builder().temperature(0).maxTokens(8).build()).text() + " | " + llm.describe();
        }
    }

    private static String on(String kind, Callable<String> work) throws Exception {
        var task = new FutureTask<>(work);
        switch (kind) {
            case "main" -> task.run();
            case "pool" -> CompletableFuture.runAsync(task);
            case "virtual" -> Thread.startVirtualThread(task);
            case "platform", "none" -> {
                var thread = new Thread(task);
                thread.setContextClassLoader(kind.equals("none") ? null : ClassLoader.getPlatformClassLoader());
                thread.start();
            }
            default -> throw new IllegalArgumentException("there is no kind of thread " + kind);
        }
        return task.get();
    }
}
