package io.jllm.quant.codec.block;

import io.jllm.quant.DType;
import java.lang.foreign.MemorySegment;

/**
 * How the encoders of Q2_K, Q4_K and Q5_K find the numbers of a block of 256 values: groups, each with a scale and a minimum that are small
 * numbers, in units of the block's two half-precision scales.
 *
 * <p>{@link RangeSearch} fits each group. Without importances a value's weight is its magnitude, plus the group's root mean square if the shape
 * says so, and the greatest scale becomes the greatest number; with them it is {@link Importance#weigh}, and {@link PositiveScale} chooses the
 * block's scales. Then values are rounded anew under what was stored. Source: ggml. Not thread-safe.
 */
public final class KSearch {
    private static final int VALUES = 256;

    private final Shape shape;
    private final Importance importance;
    private final RangeSearch search;
    private final int groups;
    private final int together;
    private final float[] weights;
    private final float[][] groupWeights;
    private final float[] scales;
    private final float[] minima;
    private final int[] scaleNumbers;
    private final int[] minimumNumbers;
    private final byte[] q = new byte[VALUES];

    /**
     * What the formats differ in.
     *
     * @param group values of a group
     * @param greatest the greatest integer that a value may have
     * @param greatestScale that of a scale or minimum
     * @param trials what to try where there are no importances
     * @param withMean whether the root mean square of the group counts then
     * @param variances how many mean squares of the block importances are weighed with
     * @param scale where a block has its unit of scales in half precision; that of minima follows it
     */
    public record Shape(DType type, int group, int greatest, int greatestScale, RangeSearch.Trials trials, boolean withMean, int variances,
            int scale) {
    }

    /** Stores the rest of a block. */
    @FunctionalInterface
    public interface Packing {
        /** Stores scales and minima of the groups, and the 256 integers, of the block that starts at an offset. */
        void put(int[] scales, int[] minima, byte[] q, MemorySegment dst, long block);
    }

    /** A search; with importances, the first value to be encoded starts a row. */
    public KSearch(Shape shape, Importance importance) {
        this.shape = shape;
        this.importance = importance;
        search = new RangeSearch(shape.group, shape.greatest, importance.isGiven() ? RangeSearch.Trials.WEIGHTED : shape.trials);
        groups = VALUES / shape.group;
        together = RangeSearch.LANES / groups;
        weights = new float[shape.group];
        groupWeights = new float[together][groups];
        scales = new float[groups];
        minima = new float[groups];
        scaleNumbers = new int[groups];
        minimumNumbers = new int[groups];
    }

    /** Encodes blocks. */
    public void encode(float[] x, int at, int blocks, MemorySegment dst, long offset, Packing packing) {
        for (int first = 0; first < blocks; first += together) {
            int n = Math.min(together, blocks - first);
            for (int b = 0; b < n; b++) {
                put(b, x, at, (first + b) * VALUES);
            }
            search.fit(n * groups);
            for (int b = 0; b < n; b++) {
                long block = offset + (long) (first + b) * shape.type.blockBytes();
                find(b, x, at + (first + b) * VALUES, dst, block);
                packing.put(scaleNumbers, minimumNumbers, q, dst, block);
            }
        }
    }

    private void put(int b, float[] x, int at, int index) {
        float variance = importance.isGiven() ? shape.variances * Groups.sumOfSquares(x, at + index, VALUES) / VALUES : 0;
        for (int g = 0; g < groups; g++) {
            int first = index + shape.group * g;
            int from = at + first;
            if (importance.isGiven()) {
                importance.weigh(x, from, first, variance, weights);
                groupWeights[b][g] = Groups.sum(weights);
            } else {
                float mean = shape.withMean ? (float) Math.sqrt(Groups.sumOfSquares(x, from, shape.group) / shape.group) : 0;
                for (int j = 0; j < weights.length; j++) {
                    weights[j] = mean + Math.abs(x[from + j]);
                }
            }
            search.put(groups * b + g, x, from, weights);
        }
    }

    private void find(int b, float[] x, int at, MemorySegment dst, long block) {
        for (int g = 0; g < groups; g++) {
            scales[g] = search.scale(groups * b + g);
            minima[g] = search.minimum(groups * b + g);
        }
        float d = Blocks.putHalf(shape.type, numbers(scales, groupWeights[b], scaleNumbers), dst, block + shape.scale);
        float dmin = Blocks.putHalf(shape.type, numbers(minima, groupWeights[b], minimumNumbers), dst, block + shape.scale + Short.BYTES);
        for (int g = 0; g < groups; g++) {
            float step = d * scaleNumbers[g];
            if (step == 0) {
                search.integers(groups * b + g, q, shape.group * g); // decodes to the minimum whatever is stored
                continue;
            }
            float minimum = dmin * minimumNumbers[g];
            for (int j = shape.group * g; j < shape.group * (g + 1); j++) {
                q[j] = (byte) Rounding.clamped((x[at + j] + minimum) / step, 0, shape.greatest);
            }
        }
    }

    /** Small numbers for values of 0 or more; returns their unit. */
    private float numbers(float[] values, float[] valueWeights, int[] numbers) {
        if (importance.isGiven()) {
            return PositiveScale.fit(values, valueWeights, shape.greatestScale, numbers);
        }
        float most = Math.max(0, Groups.greatest(values, 0, groups));
        float inverse = most > 0 ? shape.greatestScale / most : 0;
        for (int g = 0; g < groups; g++) {
            numbers[g] = Rounding.clamped(inverse * values[g], 0, shape.greatestScale);
        }
        return most / shape.greatestScale;
    }
}
