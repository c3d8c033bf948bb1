package io.jllm;

/**
 * Log-probabilities at one position, of the model's raw row: before penalties, bias, temperature and truncation.
 *
 * @param id the token that stands there
 * @param logprob its natural log-probability; NaN for the first token of a prompt, which nothing predicts
 * @param topIds the most likely tokens, best first, as many as were asked for
 * @param topLogprobs their log-probabilities
 */
public record TokenLogprobs(int id, float logprob, int[] topIds, float[] topLogprobs) {
}
