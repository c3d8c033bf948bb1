package io.jllm.grammar.json;

import java.math.BigDecimal;

/**
 * Between which numbers a number lies.
 *
 * @param low null for none
 * @param lowOpen whether the lower bound itself is left out
 * @param high null for none
 * @param highOpen whether the upper bound itself is left out
 */
record Bounds(BigDecimal low, boolean lowOpen, BigDecimal high, boolean highOpen) {
    static final Bounds NONE = new Bounds(null, false, null, false);

    boolean none() {
        return low == null && high == null;
    }

    Bounds above(BigDecimal bound, boolean open) {
        int order = low == null ? 1 : bound.compareTo(low);
        return order < 0 ? this : new Bounds(bound, open || order == 0 && lowOpen, high, highOpen);
    }

    Bounds below(BigDecimal bound, boolean open) {
        int order = high == null ? -1 : bound.compareTo(high);
        return order > 0 ? this : new Bounds(low, lowOpen, bound, open || order == 0 && highOpen);
    }

    /** Whether no number lies between. */
    boolean empty() {
        int order = none() || low == null || high == null ? -1 : low.compareTo(high);
        return order > 0 || order == 0 && (lowOpen || highOpen);
    }

    boolean contains(BigDecimal value) {
        return above(value, false).low.compareTo(value) == 0 && below(value, false).high.compareTo(value) == 0
                && !(lowOpen && value.compareTo(low) == 0) && !(highOpen && value.compareTo(high) == 0);
    }
}
