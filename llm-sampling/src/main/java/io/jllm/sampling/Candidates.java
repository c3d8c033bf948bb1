package io.jllm.sampling;

import java.util.Arrays;

/**
 * The tokens that may still be picked, in order of id, with their logits and weights. Each stage makes the list shorter.
 * Weights are exp((logit - highest) / temperature): probabilities but for a common factor, in double.
 */
final class Candidates {
    /** Up to here a heap of k is quicker than a search over the whole list. */
    private static final int HEAP_LIMIT = 1024;

    private final int[] ids;
    private final float[] logits;
    private final double[] weights;
    private int count;
    private double total;

    Candidates(int vocab) {
        ids = new int[vocab];
        logits = new float[vocab];
        weights = new double[vocab];
    }

    /** Where a row is put before {@link #reset}: one logit for each token of the vocabulary. */
    float[] row() {
        return logits;
    }

    /** Makes the list from {@link #row}, without the banned tokens. */
    void reset() {
        int n = 0;
        for (int id = 0; id < ids.length; id++) {
            float x = logits[id];
            ids[n] = id;
            logits[n] = x;
            n += x > Float.NEGATIVE_INFINITY ? 1 : 0;
        }
        count = n;
    }

    /** Keeps the {@code k} most likely, the lower ids among equals. */
    void topK(int k, TopTokens top, Cutoff cutoff) {
        if (k >= count) {
            return;
        }
        if (k <= HEAP_LIMIT) {
            int last = top.select(logits, count, k);
            cut(logits[last], last);
        } else {
            Arrays.fill(weights, 0, count, 1);
            cutoff.find(logits, weights, count, k);
            cut(cutoff.lowest(), cutoff.last());
        }
    }

    /** Gives each its weight. */
    void weigh(float highest, float temperature) {
        double scale = 1 / (double) temperature;
        double sum = 0;
        for (int i = 0; i < count; i++) {
            // A logit of positive infinity would give NaN: infinity less infinity.
            double weight = logits[i] == highest ? 1 : Exp.of(((double) logits[i] - highest) * scale);
            weights[i] = weight;
            sum += weight;
        }
        total = sum;
    }

    /** Keeps the fewest of the most likely whose probabilities sum to {@code p} or more, the lower ids among equals. */
    void topP(double p, Cutoff cutoff) {
        double target = p * total;
        // From the last one that stays on down, the weights sum to more than (1 - p) total and none is above its own: so its own
        // is above the mean. Often that alone leaves few to search; the slack is for rounding.
        keepFrom((1 - p) * total / count * (1 - 1e-6));
        cutoff.find(logits, weights, count, target);
        cut(cutoff.lowest(), cutoff.last());
    }

    /** Keeps those at least {@code p} times as likely as the most likely, whose weight is 1. */
    void minP(double p) {
        keepFrom(p);
    }

    /**
     * The token on which a number falls, if the candidates lie side by side in order of id, each as wide as it is likely.
     *
     * @param uniform in [0, 1)
     */
    int pick(double uniform) {
        double at = uniform * total;
        double sum = 0;
        int last = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] > 0) {
                last = i;
                sum += weights[i];
                if (sum > at) {
                    break;
                }
            }
        }
        return ids[last];
    }

    private void keepFrom(double weight) {
        int n = 0;
        double sum = 0;
        for (int i = 0; i < count; i++) {
            double w = weights[i];
            boolean stays = w >= weight;
            ids[n] = ids[i];
            logits[n] = logits[i];
            weights[n] = w;
            n += stays ? 1 : 0;
            sum += stays ? w : 0;
        }
        count = n;
        total = sum;
    }

    /** Keeps those with a logit above the lowest, and those equal to it up to an index. */
    private void cut(float lowest, int last) {
        int n = 0;
        double sum = 0;
        for (int i = 0; i < count; i++) {
            float x = logits[i];
            boolean stays = x > lowest || x == lowest && i <= last;
            ids[n] = ids[i];
            logits[n] = x;
            weights[n] = weights[i];
            n += stays ? 1 : 0;
            sum += stays ? weights[i] : 0;
        }
        count = n;
        total = sum;
    }
}
