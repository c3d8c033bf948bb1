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
 * @param cumulativeLogprob sum of the tokens' log-probabilities in the model's raw rows, of sampled sequences and beams alike; not
 *     divided by their number
 * @param score what a beam search ranks its texts by: the sum of log-probabilities, as penalties, bias and processors left them, divided
 *     by {@code tokens ^ lengthPenalty}, so with the usual penalty of 1 a mean for each token; higher is better. Empty for sampled
 *     sequences, which nothing ranks: compare these by {@code cumulativeLogprob}
 * @param finishReason why it ended
 * @param stopReason the stop string, or the token, that ended it; empty unless {@code finishReason} is {@link FinishReason#STOP}
 */
public record CompletionOutput(int index, String text, int[] tokenIds, List<TokenLogprobs> logprobs, double cumulativeLogprob,
                               OptionalDouble score, FinishReason finishReason, Optional<StopReason> stopReason) {
}
