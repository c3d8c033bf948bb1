package io.jllm.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The sampler as one would write it from its description: full sorts, doubles, collections. */
final class PlainSampler {
    /** Sums closer than this to a limit may fall on either side of it by rounding. */
    private static final double ROUNDING = 1e-9;

    /** Whether the last {@link #sample} came so close to a limit that another order of summation may choose otherwise. */
    boolean close;
    /** Tokens that survived the last {@link #sample}, in order of id. */
    Set<Integer> kept = Set.of();

    int sample(float[] row, SamplerSettings s, int[] tokens, int promptLength, int length, double uniform) {
        close = false;
        float[] logits = row.clone();
        penalise(logits, s, tokens, promptLength, length);
        bias(logits, s.bias());
        List<Integer> order = sorted(logits);
        if (s.temperature() == 0) {
            kept = Set.of(order.getFirst());
            return order.getFirst();
        }
        var weight = new HashMap<Integer, Double>();
        for (int id : order) {
            weight.put(id, Math.exp(((double) logits[id] - logits[order.getFirst()]) / s.temperature()));
        }
        if (s.topK() > 0 && s.topK() < order.size()) {
            order = order.subList(0, s.topK());
        }
        if (s.topP() < 1) {
            double target = s.topP() * sum(order, weight);
            double reached = 0;
            int n = 0;
            while (n < order.size() && (n == 0 || reached < target)) {
                reached += weight.get(order.get(n++));
                close |= Math.abs(reached - target) < ROUNDING * target;
            }
            order = order.subList(0, n);
        }
        if (s.minP() > 0) {
            var left = new ArrayList<Integer>();
            for (int id : order) {
                close |= s.minP() < 1 && Math.abs(weight.get(id) - s.minP()) < ROUNDING * s.minP();
                if (weight.get(id) >= s.minP()) {
                    left.add(id);
                }
            }
            order = left;
        }
        kept = new TreeSet<>(order);
        double at = uniform * sum(kept, weight);
        double reached = 0;
        for (int id : kept) {
            reached += weight.get(id);
            close |= Math.abs(reached - at) < ROUNDING;
            if (reached > at) {
                return id;
            }
        }
        throw new AssertionError("no token under " + uniform);
    }

    static List<Integer> sorted(float[] logits) {
        var order = new ArrayList<Integer>();
        for (int id = 0; id < logits.length; id++) {
            if (logits[id] > Float.NEGATIVE_INFINITY) {
                order.add(id);
            }
        }
        // Adding zero makes the two zeros equal.
        order.sort(Comparator.comparingDouble((Integer id) -> -(logits[id] + 0.0)).thenComparing(Comparator.naturalOrder()));
        return order;
    }

    static double logSumExp(float[] row) {
        double sum = 0;
        double max = row[sorted(row).getFirst()];
        for (float x : row) {
            sum += Math.exp(x - max);
        }
        return max + Math.log(sum);
    }

    private static void penalise(float[] logits, SamplerSettings s, int[] tokens, int promptLength, int length) {
        for (int id = 0; id < logits.length; id++) {
            int wanted = id;
            boolean seen = Arrays.stream(tokens, 0, length).anyMatch(t -> t == wanted);
            long count = Arrays.stream(tokens, promptLength, length).filter(t -> t == wanted).count();
            if (seen) {
                logits[id] = logits[id] > 0 ? logits[id] / s.repetitionPenalty() : logits[id] * s.repetitionPenalty();
            }
            if (count > 0) {
                logits[id] -= s.frequencyPenalty() * count;
                logits[id] -= s.presencePenalty();
            }
        }
    }

    private static void bias(float[] logits, LogitBias bias) {
        for (int i = 0; i < bias.ids().length; i++) {
            logits[bias.ids()[i]] += bias.values()[i];
        }
        for (int id = 0; id < logits.length; id++) {
            int wanted = id;
            if (bias.allowed().length > 0 && Arrays.stream(bias.allowed()).noneMatch(a -> a == wanted)) {
                logits[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private static double sum(Iterable<Integer> ids, HashMap<Integer, Double> weight) {
        double sum = 0;
        for (int id : ids) {
            sum += weight.get(id);
        }
        return sum;
    }
}
