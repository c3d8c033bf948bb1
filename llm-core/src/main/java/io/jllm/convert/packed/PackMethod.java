package io.jllm.convert.packed;

import io.jllm.quant.Grouping;

/** How a model's matrices become whole numbers in groups. */
public sealed interface PackMethod {
    /** All columns of a matrix are one group. */
    int WHOLE = -1;

    /** Columns that share a scale and a zero, or {@link #WHOLE}. */
    int groupSize();

    /**
     * The numbers of a GPTQ folder.
     *
     * @param bits of a number: 2, 3, 4 or 8
     * @param groupSize columns that share a scale and a zero, or {@link #WHOLE}
     * @param symmetric whether zero is the middle of the range, for all groups
     * @param second whether zeros are stored as they are ({@code gptq_v2}), not less one ({@code gptq}, which more programs read)
     */
    record Numbers(int bits, int groupSize, boolean symmetric, boolean second) {
        /** As most folders have them. */
        public static final Numbers USUAL = new Numbers(4, 128, true, false);

        /** Checks the ranges. */
        public Numbers {
            if (!Grouping.BITS.contains(bits)) {
                throw new IllegalArgumentException("GPTQ folders hold numbers of 2, 3, 4 or 8 bits, not of " + bits);
            }
            checkSize(groupSize);
        }
    }

    /**
     * Each weight to the nearest number, in a GPTQ folder. Needs no text.
     *
     * @param numbers what they become
     */
    record Nearest(Numbers numbers) implements PackMethod {
        @Override
        public int groupSize() {
            return numbers.groupSize();
        }
    }

    /**
     * Each error made up for by the weights still to come, as the inputs of a text say.
     *
     * @param numbers what they become
     * @param actOrder whether columns are rounded in falling order of their mean squares ({@code desc_act})
     * @param staticGroups whether the scales of groups are those of the weights as they were, for columns that stand together
     * @param sequential whether products of a layer get their inputs from those before them in the layer as these have become
     * @param damping what is added to the diagonal of the mean squares, as a share of its mean; above 0, 1 at most
     */
    record Gptq(Numbers numbers, boolean actOrder, boolean staticGroups, boolean sequential, double damping) implements PackMethod {
        /** As most folders are made. */
        public static final Gptq USUAL = new Gptq(Numbers.USUAL, false, false, true, 0.01);

        /** Checks the ranges. */
        public Gptq {
            if (!(damping > 0 && damping <= 1)) {
                throw new IllegalArgumentException("the damping must be above 0, and 1 at most, was " + damping);
            }
        }

        @Override
        public int groupSize() {
            return numbers.groupSize();
        }
    }

    /**
     * AWQ: inputs that are large as a rule get finer weights, by scales that norms and other matrices take; 4 bits, with zeros, each weight to the
     * nearest number.
     *
     * @param groupSize columns that share a scale and a zero, or {@link #WHOLE}
     * @param clip whether the greatest weights of groups are cut down where that is better
     */
    record Awq(int groupSize, boolean clip) implements PackMethod {
        /** As most folders are made. */
        public static final Awq USUAL = new Awq(128, true);

        /** Checks the range. */
        public Awq {
            checkSize(groupSize);
        }
    }

    private static void checkSize(int groupSize) {
        if (groupSize != WHOLE && groupSize < 1) {
            throw new IllegalArgumentException("groups must have at least 1 column, or " + WHOLE + " for all, not " + groupSize);
        }
    }
}
