package io.jllm.examples.cli;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Measurements with random tokens, by the times that the engine itself takes. Prompts differ from each other and from one
 * measurement to the next, so that nothing computed before can serve again.
 */
final class Bench {
    private static final int FIRST_PROMPT = 8;
    /** Tokens a step that the engine takes by default, which decides how far sequences of a batch begin apart. */
    private static final int STEP_TOKENS = 512;

    private final LLM llm;
    private final int batch;
    private final int depth;
    private final SplittableRandom random = new SplittableRandom(1);

    /** Of that many sequences, with that many tokens before what is measured. */
    Bench(LLM llm, int batch, int depth) {
        this.llm = llm;
        this.batch = batch;
        this.depth = depth;
    }

    /** Refuses what does not fit. */
    void checkContext(int promptTokens, int generateTokens) {
        int need = Math.max(depth + promptTokens + 1, Math.max(depth, 1) + generateTokens + 1 + spread());
        if (need > llm.maxContext()) {
            throw new BadInput("this needs sequences of " + need + " tokens, but they can have " + llm.maxContext()
                    + ": lower --depth, --prompt-tokens or --generate-tokens" + (llm.maxContext() < llm.config().maxContext() ? ", or raise --context" : ""));
        }
    }

    /** Seconds from asking to the first token, for a short prompt. */
    double firstToken() {
        return prefill(1, Math.min(FIRST_PROMPT, llm.maxContext() - 1));
    }

    /** Tokens a second of prompts: those after the first {@code depth}. */
    double prompt(int tokens) {
        double before = depth == 0 ? 0 : prefill(batch, depth);
        return (double) batch * tokens / (prefill(batch, depth + tokens) - before);
    }

    /** Seconds until each of some new prompts has been computed. */
    private double prefill(int prompts, int tokens) {
        var requests = new ArrayList<Request>();
        for (int i = 0; i < prompts; i++) {
            requests.add(request(tokens, 1));
        }
        return generate(requests).stream().mapToDouble(r -> r.metrics().timeToFirstToken().toNanos() / 1e9).max().orElseThrow();
    }

    /**
     * Tokens a second over all sequences while all of them generate. The last prompt is computed last; from its first token to
     * its last every other one is still running, for they get as many tokens more as they are ahead.
     */
    double generation(int tokens) {
        var requests = new ArrayList<Request>();
        for (int i = 0; i < batch; i++) {
            requests.add(request(Math.max(depth, 1), tokens + 1 + (i < batch - 1 ? spread() : 0)));
        }
        RequestOutput.Metrics last = generate(requests).getLast().metrics();
        return (double) batch * tokens / (last.total().minus(last.timeToFirstToken()).toNanos() / 1e9);
    }

    /** Most steps from the first token of the first sequence to that of the last. */
    private int spread() {
        return batch == 1 ? 0 : 2 + Math.ceilDiv(batch * Math.max(depth, 1), STEP_TOKENS - Math.min(batch, STEP_TOKENS / 2));
    }

    private List<RequestOutput> generate(List<Request> requests) {
        List<RequestOutput> results = llm.generate(requests);
        results.forEach(Results::good);
        return results;
    }

    private Request request(int promptTokens, int tokens) {
        int[] ids = random.ints(promptTokens, 0, llm.config().vocab()).toArray();
        return new Request(Prompt.ofTokens(ids),
                SamplingParams.greedy().toBuilder().maxTokens(tokens).ignoreEos(true).build());
    }
}
