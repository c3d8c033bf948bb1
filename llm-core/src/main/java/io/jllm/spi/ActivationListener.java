package io.jllm.spi;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Is told what matrices are multiplied with, row by row, while a model runs. It hears of one row at a time, on any thread of the backend, and
 * of all rows of a step before {@link ModelRunner#forward} returns.
 */
@FunctionalInterface
public interface ActivationListener {
    /** Hears nothing. */
    ActivationListener NONE = (matrices, expert, data, at, width) -> { };

    /**
     * Matrices are multiplied with a row of activations.
     *
     * @param matrices their names, as the program has them; they share the row
     * @param expert which of the experts in them it goes to; 0 where there are none
     * @param data floats in the order of this machine, valid during the call
     * @param at where the row begins in it, in bytes
     * @param width floats of the row
     */
    void multiplied(List<String> matrices, int expert, MemorySegment data, long at, int width);
}
