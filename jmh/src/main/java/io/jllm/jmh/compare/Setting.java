package io.jllm.jmh.compare;

import java.nio.file.Path;

/**
 * What is measured, in one row of results.
 *
 * @param model a GGUF file
 * @param name how it is called in results
 * @param threads that compute
 * @param batch sequences at once
 * @param depth tokens before what is measured
 * @param promptTokens tokens of a prompt; 0: no such measurement
 * @param generateTokens tokens generated; 0: no such measurement
 * @param load whether loading is measured instead, to the first token after a prompt of {@value #FIRST_PROMPT}
 * @param kvType how both sides store keys and values
 * @param kernels ours
 * @param circumstances what else goes on
 */
record Setting(Path model, String name, int threads, int batch, int depth, int promptTokens, int generateTokens, boolean load, String kvType,
               String kernels, Circumstances circumstances) {
    /** Tokens before the first one that {@code llm bench} times. */
    static final int FIRST_PROMPT = 8;

    /** Checks the numbers. */
    Setting {
        if (threads < 1 || batch < 1 || depth < 0 || promptTokens < 0 || generateTokens < 0 || promptTokens + generateTokens == 0) {
            throw new IllegalArgumentException("threads and batch must be at least 1, depth and tokens at least 0, and not both counts of "
                    + "tokens 0: " + threads + " threads, batch " + batch + ", depth " + depth + ", " + promptTokens + " and " + generateTokens
                    + " tokens");
        }
        if (batch > 1 && (depth > 0 || promptTokens == 0 || generateTokens == 0)) {
            throw new IllegalArgumentException("a batch is measured as llama-batched-bench does: prompts of --prompt-tokens, then "
                    + "--generate-tokens after them; both must be above 0, and --depth 0");
        }
        if (load && (batch > 1 || depth > 0)) {
            throw new IllegalArgumentException("--load measures one short request: leave out --batch and --depth");
        }
    }

    /** In words, as a label. */
    String label() {
        return name + (load ? ", load" : "") + ", " + threads + (threads == 1 ? " thread" : " threads") + (batch > 1 ? ", batch " + batch : "")
                + (depth > 0 ? ", after " + depth : "") + (kernels.equals("auto") ? "" : ", " + kernels + " kernels") + circumstances.label();
    }
}
