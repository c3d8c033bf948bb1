package io.jllm.examples.cli.command;

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
    static final SamplingParams PARAMS = SamplingParams.greedy().toBuilder().maxTokens(0).promptLogprobs(0).build();

    /** Of a text, of which there must be enough for two windows. */
    static PerplexityWindows of(String text, Tokenizer tokenizer, int size) {
        int[] tokens = tokenizer.encode(text, true, false);
        if (tokens.length < 2L * size) {
            throw new BadInput("perplexity with a context of " + size + " needs a text of at least " + 2L * size
                    + " tokens; this one has "
                    + tokens.length + ": give a longer one, or a smaller --context");
        }
        return new PerplexityWindows(tokens, size, tokenizer.addsBos() ? tokenizer.bos() : OptionalInt.empty());
    }

    /** How many windows there are. */
    public int count() {
        return tokens.length / size;
    }

    /** The tokens that are scored, in all. */
    public long scored() {
        return (long) count() * (size - 1 - size / 2);
    }

    /** The tokens of a window. */
    public Prompt prompt(int window) {
        int[] ids = Arrays.copyOfRange(tokens, window * size, (window + 1) * size);
        bos.ifPresent(id -> ids[0] = id);
        return Prompt.ofTokens(ids);
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
