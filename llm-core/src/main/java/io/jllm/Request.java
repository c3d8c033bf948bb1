package io.jllm;

/** A prompt with its own settings, where those of a batch differ. */
public record Request(Prompt prompt, SamplingParams params) {
    /** The same. */
    public static Request of(String prompt, SamplingParams params) {
        return new Request(Prompt.of(prompt), params);
    }
}
