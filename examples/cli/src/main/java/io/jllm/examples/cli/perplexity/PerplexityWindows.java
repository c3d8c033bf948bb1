package io.jllm.examples.cli.perplexity;

import io.jllm.Prompt;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenLogprobs;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * A text cut into windows, and which of their tokens count: the protocol of llama.cpp's {@code llama-perplexity}. The whole
 * text is tokenised with its beginning-of-sequence token and cut into windows of equal size, the last, shorter one left out.
 * Where the model wants that token, it replaces the first of each window. The tokens of the second half but its first are
 * scored, each from all that stands before it in its window.
 *
 * @param tokens the text
 * @param size tokens a window
 * @param bos what replaces the first token of each
 */
public record PerplexityWindows(int[] tokens, int size, OptionalInt bos) {
    /** Settings of a request for one window: no token is generated, those of the prompt are scored. */
    public static final SamplingParams PARAMS = SamplingParams.greedy().toBuilder().maxTokens(0).promptLogprobs(0).build();

    /**
     * Of a text, of which there must be enough for two windows.
     *
     * @param most windows at most
     */
    public static PerplexityWindows of(String text, Tokenizer tokenizer, int size, int most) {
        int[] tokens = tokenizer.encode(text, true, false);
        if (tokens.length < 2L * size) {
            throw new BadInput("perplexity with a context of " + size + " needs a text of at least " + 2L * size
                    + " tokens; this one has "
                    + tokens.length + ": give a longer one, or a smaller --context");
        }
        int[] kept = Arrays.copyOf(tokens, (int) Math.min(tokens.length, (long) most * size));
        return new PerplexityWindows(kept, size, bos(tokenizer));
    }

    /** What replaces the first token of windows of a model's text. */
    public static OptionalInt bos(Tokenizer tokenizer) {
        return tokenizer.addsBos() ? tokenizer.bos() : OptionalInt.empty();
    }

    /** How many windows there are. */
    public int count() {
        return tokens.length / size;
    }

    /** The tokens that are scored, in all. */
    public long scored() {
        return (long) count() * rows();
    }

    /** The tokens that are scored in a window: so many rows of logits foresee them, the first of which follows token {@code size / 2}. */
    public int rows() {
        return size - 1 - size / 2;
    }

    /** The tokens of a window. */
    public Prompt prompt(int window) {
        return Prompt.ofTokens(ids(window));
    }

    /** The same as ids. */
    int[] ids(int window) {
        int[] ids = Arrays.copyOfRange(tokens, window * size, (window + 1) * size);
        bos.ifPresent(id -> ids[0] = id);
        return ids;
    }

    /** The sum over the scored tokens of a window, in nats. */
    public double negativeLogLikelihood(RequestOutput result) {
        List<TokenLogprobs> logprobs = result.promptLogprobs();
        double sum = 0;
        for (int i = size / 2 + 1; i < size; i++) {
            sum -= logprobs.get(i).logprob();
        }
        return sum;
    }
}
