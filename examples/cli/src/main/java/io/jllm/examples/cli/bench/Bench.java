package io.jllm.examples.cli.bench;

import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Results;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Measurements with random tokens, by the times that the engine itself takes. Prompts differ from each other and from one
 * measurement to the next, so that nothing computed before serves again by chance; nor does it keep memory.
 */
public final class Bench {
    private static final int FIRST_PROMPT = 8;
    /** Tokens a step that the engine takes by default, which decides how far sequences of a batch begin apart. */
    private static final int STEP_TOKENS = 512;

    private final LLM llm;
    private final int batch;
    private final int depth;
    private final SplittableRandom random = new SplittableRandom(1);

    /** Of that many sequences, with that many tokens before what is measured. */
    public Bench(LLM llm, int batch, int depth) {
        this.llm = llm;
        this.batch = batch;
        this.depth = depth;
    }

    /** Refuses what does not fit. */
    public void checkContext(int promptTokens, int generateTokens) {
        int need = Math.max(depth + promptTokens + 1, Math.max(depth, 1) + generateTokens + 1 + spread());
        if (need > llm.maxContext()) {
            throw new BadInput("this needs sequences of " + need + " tokens, but they can have " + llm.maxContext()
                    + ": lower --depth, --prompt-tokens or --generate-tokens"
                            + (llm.maxContext() < llm.config().maxContext() ? ", or raise --context" : ""));
        }
    }

    /** Seconds from asking to the first token, for a short prompt. */
    public double firstToken() {
        return seconds(generate(List.of(request(ids(Math.min(FIRST_PROMPT, llm.maxContext() - 1)), 1))));
    }

    /**
     * Tokens a second of prompts: those after the first {@code depth}, which are computed before and found in the prefix cache;
     * what is computed again of them, a block at most unless the cache is too small, counts as well.
     */
    public double prompt(int tokens) {
        llm.resetPrefixCache();
        var before = new ArrayList<Request>();
        var whole = new ArrayList<Request>();
        for (int i = 0; i < batch; i++) {
            int[] ids = ids(depth + tokens);
            before.add(request(Arrays.copyOf(ids, Math.max(depth, 1)), 1));
            whole.add(request(ids, 1));
        }
        if (depth > 0) {
            generate(before);
        }
        List<RequestOutput> results = generate(whole);
        return results.stream().mapToInt(r -> r.metrics().promptTokens() - r.metrics().cachedTokens()).sum() / seconds(results);
    }

    /** From asking to the moment when all have their first token. */
    private static double seconds(List<RequestOutput> results) {
        return results.stream().mapToDouble(r -> r.metrics().timeToFirstToken().toNanos() / 1e9).max().orElseThrow();
    }

    /**
     * Tokens a second over all sequences while all of them generate. The last prompt is computed last; from its first token to
     * its last every other one is still running, for they get as many tokens more as they are ahead.
     */
    public double generation(int tokens) {
        llm.resetPrefixCache();
        var requests = new ArrayList<Request>();
        for (int i = 0; i < batch; i++) {
            requests.add(request(ids(Math.max(depth, 1)), tokens + 1 + (i < batch - 1 ? spread() : 0)));
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

    private int[] ids(int count) {
        return random.ints(count, 0, llm.config().vocab()).toArray();
    }

    private static Request request(int[] ids, int tokens) {
        return new Request(Prompt.ofTokens(ids), SamplingParams.greedy().toBuilder().maxTokens(tokens).ignoreEos(true).build());
    }
}
