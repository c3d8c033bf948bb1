package io.jllm.sampling;

import java.util.Objects;

/**
 * Picks tokens from rows of logits. In this order: log-probability of the raw row; penalties; bias and allowed tokens;
 * temperature; top-k; top-p; min-p; pick. Each truncation sees the probabilities that the one before it left, scaled to sum to
 * 1, as in vLLM and Hugging Face transformers.
 *
 * <p>A logit of negative infinity bans its token. Tokens with a logit of positive infinity share all probability. Sums of
 * exponentials are taken in double; what is picked depends on the arguments alone, not on the machine.
 *
 * <p>Holds the scratch memory for one vocabulary (about 21 bytes a token), so a chain belongs to one thread at a time; it
 * allocates nothing a token.
 */
public final class SamplerChain {
    private final int vocab;
    private final Penalties penalties;
    private final boolean[] marks;
    private final Candidates candidates;
    private final Cutoff cutoff = new Cutoff();
    private final TopTokens top = new TopTokens();
    private final Philox philox = new Philox();

    /**
     * A chain for rows of {@code vocab} logits.
     *
     * @throws IllegalArgumentException if {@code vocab} is below 1
     */
    public SamplerChain(int vocab) {
        if (vocab < 1) {
            throw new IllegalArgumentException("a vocabulary needs at least one token, not " + vocab);
        }
        this.vocab = vocab;
        penalties = new Penalties(vocab);
        marks = new boolean[vocab];
        candidates = new Candidates(vocab);
    }

    /**
     * Picks one token. The row is left as it is.
     *
     * @param row logits, at least {@code vocab} of them
     * @param settings how to pick
     * @param tokens prompt and output so far; with penalties each must be in the vocabulary
     * @param promptLength how many of them are the prompt
     * @param length how many there are; the counter of the random source
     * @param logprob receives the token's log-probability in the raw row at index {@code at}
     * @param at index into {@code logprob}
     * @return the token's id; where nothing is drawn, among equal logits the lowest
     * @throws IllegalStateException if a logit is NaN, or if no token may be picked
     * @throws IllegalArgumentException if a biased, allowed or penalised token is outside the vocabulary
     * @throws IndexOutOfBoundsException if the row, the tokens or {@code logprob} are shorter than the other arguments say
     */
    public int sample(float[] row, SamplerSettings settings, int[] tokens, int promptLength, int length, float[] logprob, int at) {
        float highest = max(row);
        return sample(row, highest, logSumExp(row, highest), settings, tokens, promptLength, length, logprob, at);
    }

    /**
     * The same for who knows already what takes most of the time where the choice is greedy.
     *
     * @param highest the highest logit; NaN if any is
     * @param logSum what {@link #logSumExp} gives, as exact as the log-probability shall be; the choice does not depend on it
     */
    public int sample(float[] row, float highest, double logSum, SamplerSettings settings, int[] tokens, int promptLength, int length,
                      float[] logprob, int at) {
        Objects.checkFromIndexSize(0, vocab, row.length);
        Objects.checkFromToIndex(promptLength, length, tokens.length);
        Objects.checkIndex(at, logprob.length);
        check(row, highest);
        int token = pick(row, highest, settings, tokens, promptLength, length);
        logprob[at] = logprob(row, token, highest, logSum);
        return token;
    }

    /** The token that {@link #sample} picks, for who need not know how likely it is: that is half of the work. */
    public int pick(float[] row, SamplerSettings settings, int[] tokens, int promptLength, int length) {
        Objects.checkFromIndexSize(0, vocab, row.length);
        Objects.checkFromToIndex(promptLength, length, tokens.length);
        float highest = max(row);
        check(row, highest);
        return pick(row, highest, settings, tokens, promptLength, length);
    }

    private int pick(float[] row, float highest, SamplerSettings settings, int[] tokens, int promptLength, int length) {
        if (settings.greedy()) {
            return first(row, highest);
        }
        boolean changed = settings.hasPenalties() || !settings.bias().isEmpty();
        float[] work = candidates.row();
        System.arraycopy(row, 0, work, 0, vocab);
        if (changed) {
            adjust(work, settings, tokens, promptLength, length);
            highest = max(work);
            if (!(highest > Float.NEGATIVE_INFINITY)) {
                throw new IllegalStateException("no token may be picked: penalties, logit bias and allowed tokens leave "
                        + (Float.isNaN(highest) ? "a logit that is not a number" : "none of " + vocab + " tokens a finite logit"));
            }
        }
        if (settings.picksHighest()) {
            return first(work, highest);
        }
        candidates.reset();
        if (settings.topK() > 0) {
            candidates.topK(settings.topK(), top, cutoff);
        }
        candidates.weigh(highest, settings.temperature());
        if (settings.topP() < 1) {
            candidates.topP(settings.topP(), cutoff);
        }
        if (settings.minP() > 0) {
            candidates.minP(settings.minP());
        }
        return candidates.pick(philox.uniform(settings.seed(), length));
    }

    /**
     * The k most likely tokens of a raw row, best first, the lower id first among equals, and their log-probabilities.
     *
     * @param row logits, at least {@code vocab} of them; left as it is
     * @param k how many, from 0 to {@code vocab}
     * @param ids receives k ids
     * @param logprobs receives k natural log-probabilities
     * @param at index of the first result in both arrays
     * @throws IllegalArgumentException if k is out of range
     * @throws IllegalStateException if a logit is NaN or all are negative infinity
     * @throws IndexOutOfBoundsException if an array is too short
     */
    public void topK(float[] row, int k, int[] ids, float[] logprobs, int at) {
        float highest = max(row);
        topK(row, highest, logSumExp(row, highest), k, ids, logprobs, at);
    }

    /**
     * The same for who knows the sum already.
     *
     * @param highest the highest logit; NaN if any is
     * @param logSum what {@link #logSumExp} gives
     */
    public void topK(float[] row, float highest, double logSum, int k, int[] ids, float[] logprobs, int at) {
        if (k < 0 || k > vocab) {
            throw new IllegalArgumentException("the " + k + " most likely tokens of a vocabulary of " + vocab
                    + " were asked for: ask for 0 to " + vocab);
        }
        Objects.checkFromIndexSize(0, vocab, row.length);
        Objects.checkFromIndexSize(at, k, Math.min(ids.length, logprobs.length));
        check(row, highest);
        if (k > 0) {
            top.select(row, vocab, k);
            top.write(k, ids, at);
        }
        for (int i = at; i < at + k; i++) {
            logprobs[i] = logprob(row, ids[i], highest, logSum);
        }
    }

    /**
     * Turns a raw row into log-probabilities, in place.
     *
     * @param row logits, at least {@code vocab} of them
     * @throws IllegalStateException if a logit is NaN or all are negative infinity
     */
    public void logSoftmax(float[] row) {
        Objects.checkFromIndexSize(0, vocab, row.length);
        float highest = max(row);
        check(row, highest);
        double logSum = logSumExp(row, highest);
        float shared = highest < Float.POSITIVE_INFINITY ? 0 : logprob(row, first(row, highest), highest, logSum);
        for (int id = 0; id < vocab; id++) {
            row[id] = highest < Float.POSITIVE_INFINITY ? (float) (row[id] - logSum)
                    : row[id] == highest ? shared : Float.NEGATIVE_INFINITY;
        }
    }

    /**
     * Applies penalties, bias and allowed tokens to a row of logits or log-probabilities, in place.
     *
     * @param row at least {@code vocab} numbers
     * @param settings penalties and bias; the rest is not looked at
     * @param tokens prompt and output so far; with penalties each must be in the vocabulary
     * @param promptLength how many of them are the prompt
     * @param length how many there are
     * @throws IllegalArgumentException if a biased, allowed or penalised token is outside the vocabulary
     */
    public void adjust(float[] row, SamplerSettings settings, int[] tokens, int promptLength, int length) {
        if (settings.hasPenalties()) {
            penalties.apply(row, settings, tokens, promptLength, length);
        }
        settings.bias().apply(row, vocab, marks);
    }

    /**
     * The k highest numbers of a row as they stand, best first, the lower id first among equals.
     *
     * @param row at least {@code vocab} numbers; left as it is
     * @param k how many, from 1 to {@code vocab}
     * @param ids receives k ids
     * @param values receives k numbers
     * @param at index of the first result in both arrays
     * @throws IllegalStateException if a number is NaN
     */
    public void highest(float[] row, int k, int[] ids, float[] values, int at) {
        Objects.checkFromIndexSize(0, vocab, row.length);
        Objects.checkFromIndexSize(at, Objects.checkIndex(k, vocab + 1), Math.min(ids.length, values.length));
        if (Float.isNaN(max(row))) {
            throw new IllegalStateException("a score is not a number: penalties, bias or a logits processor made it so");
        }
        top.select(row, vocab, k);
        top.write(k, ids, at);
        for (int i = at; i < at + k; i++) {
            values[i] = row[ids[i]];
        }
    }

    /**
     * Natural logarithm of the sum of exponentials of a row. A token's log-probability is its logit less this.
     *
     * @param row logits, at least {@code vocab} of them; left as it is
     * @return NaN if a logit is NaN; else positive infinity if one is, and negative infinity if all are
     */
    public double logSumExp(float[] row) {
        Objects.checkFromIndexSize(0, vocab, row.length);
        return logSumExp(row, max(row));
    }

    private double logSumExp(float[] row, float highest) {
        if (Float.isNaN(highest) || Float.isInfinite(highest)) {
            return highest;
        }
        // Four sums, so that an addition need not wait for the one before it.
        double a = 0, b = 0, c = 0, d = 0;
        int id = 0;
        for (; id < vocab - 3; id += 4) {
            a += Exp.of((double) row[id] - highest);
            b += Exp.of((double) row[id + 1] - highest);
            c += Exp.of((double) row[id + 2] - highest);
            d += Exp.of((double) row[id + 3] - highest);
        }
        for (; id < vocab; id++) {
            a += Exp.of((double) row[id] - highest);
        }
        return highest + StrictMath.log(a + b + (c + d));
    }

    private float logprob(float[] row, int id, float highest, double logSum) {
        if (highest < Float.POSITIVE_INFINITY) {
            return (float) (row[id] - logSum);
        }
        int sharers = 0;
        for (int other = 0; other < vocab; other++) {
            sharers += row[other] == highest ? 1 : 0;
        }
        return row[id] == highest ? (float) -StrictMath.log(sharers) : Float.NEGATIVE_INFINITY;
    }

    /** Refuses a row that nothing can be sampled from. */
    private void check(float[] row, float highest) {
        if (Float.isNaN(highest)) {
            int id = 0;
            while (!Float.isNaN(row[id])) {
                id++;
            }
            throw new IllegalStateException("the logit of token " + id + " is not a number: the model's weights are broken, "
                    + "or it overflowed");
        }
        if (highest == Float.NEGATIVE_INFINITY) {
            throw new IllegalStateException("no token may be picked: all " + vocab + " logits are negative infinity");
        }
    }

    /** The highest logit; NaN if any is. */
    private float max(float[] row) {
        float max = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < vocab; id++) {
            max = Math.max(max, row[id]);
        }
        return max;
    }

    private static int first(float[] row, float value) {
        int id = 0;
        while (row[id] != value) {
            id++;
        }
        return id;
    }
}
