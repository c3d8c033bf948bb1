package io.jllm;

import java.util.List;
import java.util.Optional;

/**
 * One generated sequence.
 *
 * @param index which of the request's sequences, from 0
 * @param text the text, without end-of-sequence tokens and without the stop string
 * @param tokenIds generated tokens, a final end-of-sequence token included. Not to be changed
 * @param logprobs for each generated token; alternatives are there if {@link SamplingParams#logprobs} asked for them
 * @param cumulativeLogprob sum of the tokens' log-probabilities
 * @param finishReason why it ended
 * @param stopReason the stop string, or the id of the token, that ended it
 */
public record CompletionOutput(int index, String text, int[] tokenIds, List<TokenLogprobs> logprobs, double cumulativeLogprob,
                               FinishReason finishReason, Optional<String> stopReason) {
}
