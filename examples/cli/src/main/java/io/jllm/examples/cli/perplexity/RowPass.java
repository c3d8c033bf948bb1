package io.jllm.examples.cli.perplexity;

import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Results;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * All logits at the scored places of windows. Their first halves are prompts; from there on the model is asked for one token after the other,
 * and whatever it would say, told the text's next one. What it computes is the same as if all were a prompt.
 */
public final class RowPass {
    /** Windows at a time. */
    private static final int IN_FLIGHT = 16;

    /** What is done with a row: the one that foresees scored token {@code number} of a window, which is {@code next}. */
    private interface RowTask {
        void row(int window, int number, float[] logits, int next) throws IOException;
    }

    private RowPass() {
    }

    /**
     * Writes what {@code --kl-divergence} reads.
     *
     * @param step called after each window
     * @return the sum over the scored tokens, in nats
     */
    public static double write(LLM llm, PerplexityWindows windows, Path path, Runnable step) throws IOException {
        int vocab = llm.config().vocab();
        double[] sum = {0};
        try {
            try (BaseFile file = BaseFile.create(path, windows, vocab)) {
                run(llm, windows, step, (window, number, logits, next) -> {
                    file.write(window, number, logits);
                    float most = max(logits);
                    sum[0] += most + Math.log(Divergence.sumOfExponentials(logits, most)) - logits[next];
                });
            }
            BaseFile.publish(path);
        } catch (IOException | RuntimeException e) {
            BaseFile.discard(path);
            throw e;
        }
        return sum[0];
    }

    private static float max(float[] x) {
        float most = x[0];
        for (float v : x) {
            most = Math.max(most, v);
        }
        return most;
    }

    /** Compares a model with the base that a file is of. */
    public static Divergence compare(LLM llm, BaseFile base, Runnable step) {
        int vocab = llm.config().vocab();
        PerplexityWindows windows = base.windows();
        if (base.vocab() != vocab) {
            throw new BadInput("the file of log-probabilities is of a vocabulary of " + base.vocab() + " tokens, the model has " + vocab
                    + ": they must be of one family");
        }
        var divergence = new Divergence(Math.toIntExact(windows.scored()));
        run(llm, windows, step, (window, number, logits, next) -> divergence.add(logits, base.read(window, number), next));
        return divergence;
    }

    private static void run(LLM llm, PerplexityWindows windows, Runnable step, RowTask task) {
        if (windows.size() > llm.maxContext()) {
            throw new BadInput("windows of " + windows.size() + " tokens are more than the model's context of " + llm.maxContext());
        }
        var running = new ArrayDeque<TokenStream>();
        for (int next = 0; next < windows.count() || !running.isEmpty();) {
            if (next < windows.count() && running.size() < IN_FLIGHT) {
                running.add(stream(llm, windows, next++, task));
                continue;
            }
            try (TokenStream first = running.remove()) {
                Results.good(first.result().join());
            }
            step.run();
        }
    }

    private static TokenStream stream(LLM llm, PerplexityWindows windows, int window, RowTask task) {
        int[] ids = windows.ids(window);
        int first = windows.size() / 2 + 1;
        LogitsProcessor follow = (_, _, length, logits) -> {
            try {
                task.row(window, length - first, logits, ids[length]);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            Arrays.fill(logits, Float.NEGATIVE_INFINITY);
            logits[ids[length]] = 0;
        };
        SamplingParams params = SamplingParams.greedy().toBuilder().maxTokens(windows.rows()).ignoreEos(true).logitsProcessor(() -> follow).build();
        return llm.stream(Prompt.ofTokens(Arrays.copyOf(ids, first)), params);
    }
}
