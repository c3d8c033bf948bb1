package io.jllm.examples.cli.perplexity;

import java.util.Arrays;

/**
 * How far the probabilities of a model are from those of a base, over the scored tokens of a text, as {@code llama-perplexity --kl-divergence}
 * counts it: at each, the sum over all tokens of p ln(p / q), where p is the base's, of which what is below e^-16 is left out.
 */
public final class Divergence {
    private static final float LEAST = -16;

    private final double[] divergence;
    private final double[] nll;
    private final double[] baseNll;
    private final double[] difference;
    private int count;
    private int same;

    /** For so many scored tokens. */
    Divergence(int most) {
        divergence = new double[most];
        nll = new double[most];
        baseNll = new double[most];
        difference = new double[most];
    }

    /**
     * A mean and its standard error.
     *
     * @param error 0 if there are too few to say
     */
    public record Mean(double value, double error) {
    }

    static double sumOfExponentials(float[] logits, float most) {
        double sum = 0;
        for (float x : logits) {
            sum += Math.exp(x - most);
        }
        return sum;
    }

    /** Adds a row of logits, before the token that follows in the text. */
    void add(float[] logits, BaseFile.Row base, int next) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        double logSum = logits[best] + Math.log(sumOfExponentials(logits, logits[best]));
        int baseBest = 0;
        float baseMost = base.logprob(0);
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            float p = base.logprob(i);
            if (p > baseMost) {
                baseMost = p;
                baseBest = i;
            }
            if (p > LEAST) {
                sum += Math.exp(p) * (p - logits[i] + logSum);
            }
        }
        divergence[count] = sum;
        nll[count] = logSum - logits[next];
        baseNll[count] = -base.logprob(next);
        difference[count] = Math.exp(-nll[count]) - Math.exp(-baseNll[count]);
        same += best == baseBest ? 1 : 0;
        count++;
    }

    /** Tokens that were scored. */
    public int count() {
        return count;
    }

    /** The mean divergence, in nats. */
    public Mean mean() {
        return mean(divergence);
    }

    /** The divergence that so many of all, from 0 to 1, do not exceed, in nats. */
    public double quantile(double part) {
        double[] sorted = Arrays.copyOf(divergence, count);
        Arrays.sort(sorted);
        double at = part * (count - 1);
        int below = (int) at;
        int above = Math.min(below + 1, count - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /** How often the likeliest token is the base's, from 0 to 1. */
    public Mean sameTop() {
        double p = (double) same / count;
        return new Mean(p, count > 1 ? Math.sqrt(p * (1 - p) / (count - 1)) : 0);
    }

    public double perplexity() {
        return Math.exp(mean(nll).value);
    }

    public double basePerplexity() {
        return Math.exp(mean(baseNll).value);
    }

    /** The natural logarithm of the perplexity divided by the base's. */
    public Mean logRatio() {
        var ratio = new double[count];
        Arrays.setAll(ratio, i -> nll[i] - baseNll[i]);
        return mean(ratio);
    }

    /** By how much the probability of the text's token differs: the root of the mean square, from 0 to 1. */
    public double rmsDifference() {
        return Math.sqrt(mean(Arrays.stream(difference, 0, count).map(d -> d * d).toArray()).value);
    }

    private Mean mean(double[] x) {
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < count; i++) {
            sum += x[i];
            squares += x[i] * x[i];
        }
        double mean = sum / count;
        double variance = squares / count - mean * mean;
        return new Mean(mean, count > 10 && variance > 0 ? Math.sqrt(variance / (count - 1)) : 0);
    }
}
