package io.jllm.sampling;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * One beam search: which continuations of which beams go on, which hypotheses have finished, and when it is over. With the
 * semantics of {@code generate(num_beams=...)} of Hugging Face transformers 5: scores are sums of float32 log-probabilities; a
 * hypothesis may finish only while it is among the {@code width} best continuations of its step; its final score is its sum
 * divided by {@code length ^ lengthPenalty}, where the length counts generated tokens with the one that ends it.
 *
 * <p>It starts with one beam, the prompt. Knows no model and no text; for one thread.
 */
public final class BeamScorer {
    private static final Comparator<Choice> BEST_FIRST = Comparator.comparingDouble(Choice::score).reversed();

    private final int width;
    private final double lengthPenalty;
    private final EarlyStopping earlyStopping;
    private final int maxTokens;
    private List<Choice> running = List.of(new Choice(0, -1, 0));
    private final List<Hypothesis> finished = new ArrayList<>();
    private int length;
    private boolean done;

    /**
     * A beam that goes on.
     *
     * @param beam the beam that it continues, by its place before the step
     * @param token what it adds
     * @param score sum of log-probabilities so far
     */
    public record Choice(int beam, int token, float score) {
    }

    /**
     * A finished text.
     *
     * @param length how many tokens it has
     * @param beam the beam that it continued, by its place before its last step
     * @param token its last token
     * @param score its final score
     */
    public record Hypothesis(int length, int beam, int token, float score) {
    }

    /**
     * A search.
     *
     * @param width beams that are kept, at least 1
     * @param lengthPenalty exponent of the length; above 0 favours long texts, below 0 short ones. Finite
     * @param earlyStopping when to end
     * @param maxTokens most tokens of a hypothesis, at least 1
     * @throws IllegalArgumentException if a number is out of range
     */
    public BeamScorer(int width, double lengthPenalty, EarlyStopping earlyStopping, int maxTokens) {
        if (width < 1 || maxTokens < 1 || !Double.isFinite(lengthPenalty)) {
            throw new IllegalArgumentException("a beam search needs at least 1 beam and 1 token and a finite length penalty, not " + width
                    + ", " + maxTokens + " and " + lengthPenalty);
        }
        this.width = width;
        this.lengthPenalty = lengthPenalty;
        this.earlyStopping = earlyStopping;
        this.maxTokens = maxTokens;
    }

    /**
     * How many of the best tokens of each beam a step needs to know: with fewer, it might miss a choice.
     *
     * @param ends how many tokens end a text
     * @param vocab how many tokens there are
     */
    public int candidates(int ends, int vocab) {
        return (int) Math.min((long) width + ends, vocab);
    }

    /**
     * Takes every running beam on by a token. Tokens of a score of negative infinity are never chosen, so fewer beams than
     * {@code width} may go on, and few hypotheses may be found.
     *
     * @param tokens for each running beam its best tokens, best first, as many for each
     * @param scores their log-probabilities, none NaN
     * @param ends whether a token ends a text
     * @return the beams that run from now on, best first; empty if the search is over
     * @throws IllegalArgumentException if the arrays do not fit the running beams
     * @throws IllegalStateException if the search is over already, or if nothing may be chosen and nothing has finished
     */
    public List<Choice> step(int[] tokens, float[] scores, IntPredicate ends) {
        if (done) {
            throw new IllegalStateException("the search is over");
        }
        if (tokens.length % running.size() != 0 || tokens.length != scores.length) {
            throw new IllegalArgumentException(tokens.length + " tokens and " + scores.length + " scores for " + running.size() + " beams");
        }
        List<Choice> best = choices(tokens, scores);
        length++;
        var next = new ArrayList<Choice>(width);
        for (int rank = 0; rank < best.size() && next.size() < width; rank++) {
            Choice c = best.get(rank);
            if (length < maxTokens && !ends.test(c.token)) {
                next.add(c);
            } else if (rank < width) {
                finish(c);
            }
        }
        if (next.isEmpty() && finished.isEmpty()) {
            throw new IllegalStateException("no token may be picked: every token of every beam has a score of negative infinity");
        }
        done = next.isEmpty() || full() && (earlyStopping == EarlyStopping.TRUE || !improvable(next.getFirst()));
        running = done ? List.of() : List.copyOf(next);
        return running;
    }

    private List<Choice> choices(int[] tokens, float[] scores) {
        int each = tokens.length / running.size();
        var all = new ArrayList<Choice>(tokens.length);
        for (int i = 0; i < tokens.length; i++) {
            float score = running.get(i / each).score + scores[i];
            if (score > Float.NEGATIVE_INFINITY) {
                all.add(new Choice(i / each, tokens[i], score));
            }
        }
        all.sort(BEST_FIRST); // stable: among equals the better beam, and then the better token of it
        return all;
    }

    private void finish(Choice c) {
        var h = new Hypothesis(length, c.beam, c.token, scored(c.score, length));
        int at = finished.size();
        while (at > 0 && finished.get(at - 1).score < h.score) {
            at--;
        }
        finished.add(at, h);
        if (finished.size() > width) {
            finished.removeLast();
        }
    }

    private boolean full() {
        return finished.size() == width;
    }

    private boolean improvable(Choice best) {
        int bestLength = earlyStopping == EarlyStopping.NEVER && lengthPenalty > 0 ? maxTokens : length;
        return scored(best.score, bestLength) > finished.getLast().score;
    }

    private float scored(float sum, int tokens) {
        return (float) (sum / Math.pow(tokens, lengthPenalty));
    }

    /** Whether the search is over. */
    public boolean done() {
        return done;
    }

    /** Tokens of each running beam. */
    public int length() {
        return length;
    }

    /** The finished hypotheses so far, best first, at most as many as beams. */
    public List<Hypothesis> hypotheses() {
        return List.copyOf(finished);
    }

    /** What a running beam would score if it finished here; before the first token 0. */
    public float score(int beam) {
        return length == 0 ? 0 : scored(running.get(beam).score, length);
    }
}
