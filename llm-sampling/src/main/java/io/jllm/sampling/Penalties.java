package io.jllm.sampling;

/**
 * Makes tokens that were already said less likely, in vLLM's order: the repetition penalty (prompt and output), then the
 * frequency and the presence penalty (output only). Each token is changed once, however often it stands there.
 */
final class Penalties {
    /** For each token: twice its occurrences in the output, and in the lowest bit whether it has been dealt with. */
    private final int[] marks;

    Penalties(int vocab) {
        marks = new int[vocab];
    }

    /** Changes the logits of the first {@code length} tokens, of which {@code promptLength} are the prompt. */
    void apply(float[] logits, SamplerSettings settings, int[] tokens, int promptLength, int length) {
        check(tokens, length);
        for (int i = promptLength; i < length; i++) {
            marks[tokens[i]] += 2;
        }
        for (int i = 0; i < length; i++) {
            int token = tokens[i];
            int mark = marks[token];
            if ((mark & 1) == 0) {
                marks[token] = mark | 1;
                logits[token] = penalised(logits[token], mark >>> 1, settings);
            }
        }
        for (int i = 0; i < length; i++) {
            marks[tokens[i]] = 0;
        }
    }

    private static float penalised(float logit, int count, SamplerSettings settings) {
        float x = logit > 0 ? logit / settings.repetitionPenalty() : logit * settings.repetitionPenalty();
        return count == 0 ? x : x - settings.frequencyPenalty() * count - settings.presencePenalty();
    }

    /** Before any mark is set, so that an error leaves none. */
    private void check(int[] tokens, int length) {
        for (int i = 0; i < length; i++) {
            if (Integer.compareUnsigned(tokens[i], marks.length) >= 0) {
                throw new IllegalArgumentException("token " + tokens[i] + " at position " + i + " is outside the vocabulary of "
                        + marks.length + " tokens, so that no penalty can be applied to it");
            }
        }
    }
}
