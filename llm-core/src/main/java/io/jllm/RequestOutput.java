package io.jllm;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The result of one request. One that failed is a value, too; its short forms {@link #text} and {@link #tokenIds} throw what it failed
 * with, so that nobody takes a failure for an empty answer, and {@link #outputs} hold what there was before.
 *
 * @param requestId a number that no other request of the same LLM has
 * @param prompt what was asked
 * @param promptTokenIds the prompt as tokens; empty if it could not be encoded. Not to be changed
 * @param promptLogprobs for each prompt token, if {@link SamplingParams#promptLogprobs} asked for them; else empty
 * @param outputs the sequences: sampled ones in order of their index, beams best first; at least one
 * @param metrics times and counts
 * @param error why it failed, if it did: then the outputs end with {@link FinishReason#ERROR} and hold what there was
 */
public record RequestOutput(long requestId, Prompt prompt, int[] promptTokenIds, List<TokenLogprobs> promptLogprobs,
                            List<CompletionOutput> outputs, Metrics metrics, Optional<RuntimeException> error) {
    /**
     * The text of the first output.
     *
     * @throws RuntimeException what the request failed with, if it did: {@link #error}
     */
    public String text() {
        return first().text();
    }

    /**
     * The token ids of the first output.
     *
     * @throws RuntimeException what the request failed with, if it did: {@link #error}
     */
    public int[] tokenIds() {
        return first().tokenIds();
    }

    private CompletionOutput first() {
        if (error.isPresent()) {
            throw error.get();
        }
        return outputs.getFirst();
    }

    /** Why the first output ended. */
    public FinishReason finishReason() {
        return outputs.getFirst().finishReason();
    }

    /**
     * Times and counts of a request.
     *
     * @param queued from submission to the first step that computed some of it
     * @param timeToFirstToken from submission to its first token; zero if it has none
     * @param interToken times between one step that gave it tokens and the next; empty if there were less than two such steps.
     *     Where several sequences of it run, a step that gave tokens to any of them counts once
     * @param total from submission to its end
     * @param promptTokens tokens of the prompt
     * @param cachedTokens how many of them were found in the prefix cache and not computed
     * @param generatedTokens tokens generated, over all outputs
     * @param preemptions how often it was put back: to make room for others, or because its text grew so long that it is rotated otherwise
     */
    public record Metrics(Duration queued, Duration timeToFirstToken, Optional<Percentiles> interToken, Duration total,
                          int promptTokens, int cachedTokens, int generatedTokens, int preemptions) {
    }

    /**
     * How long some waits took: at least that part of them took no longer. The maximum is exact; percentiles are off by at most
     * 1.6 % and 64 nanoseconds, for waits are counted in classes of that width.
     *
     * @param p50 the median
     * @param p90 nine of ten
     * @param p99 99 of 100
     * @param max the longest
     */
    public record Percentiles(Duration p50, Duration p90, Duration p99, Duration max) {
    }
}
