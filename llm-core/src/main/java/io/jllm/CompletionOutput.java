package io.jllm;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One generated sequence.
 *
 * @param index its place among the request's outputs, from 0
 * @param text the text, without end-of-sequence tokens and without the stop string
 * @param tokenIds generated tokens, a final end-of-sequence token included. Not to be changed
 * @param logprobs for each generated token; alternatives are there if {@code logprobs} asked for them
 * @param cumulativeLogprob sum of the tokens' log-probabilities
 * @param score for beams: the sum of log-probabilities, as penalties, bias and processors left them, divided by
 *     {@code tokens ^ lengthPenalty}; higher is better. Empty for sampled sequences
 * @param finishReason why it ended
 * @param stopReason the stop string, or the id of the token, that ended it
 */
public record CompletionOutput(int index, String text, int[] tokenIds, List<TokenLogprobs> logprobs, double cumulativeLogprob,
                               OptionalDouble score, FinishReason finishReason, Optional<String> stopReason) {
}
