package io.jllm.convert.packed;

import java.util.function.DoubleConsumer;

/** How far it has come: weights of matrices, most of whose time is that of their inputs. For one thread. */
final class Meter {
    private static final double INPUTS = 0.8;

    private final long total;
    private final DoubleConsumer told;
    private long done;
    private long current;
    private double part;

    /** @param told receives shares of the whole, from 0 to 1 */
    Meter(long total, DoubleConsumer told) {
        this.total = total;
        this.told = told;
    }

    /** Weights that were done before, or now are. */
    void add(long weights) {
        done += weights;
        current = 0;
        part = 0;
        told.accept((double) done / total);
    }

    /** Matrices of so many weights are begun. */
    void begin(long weights) {
        current = weights;
        part = 0;
    }

    /** A share of their inputs is known. */
    void part(double share) {
        part += share;
        told.accept((done + current * INPUTS * Math.min(1, part)) / total);
    }
}
