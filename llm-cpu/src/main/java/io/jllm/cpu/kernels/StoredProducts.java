package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;

/** Products of weights as the file has them. Thread-safe: each thread brings its own {@link Workspace}. */
public interface StoredProducts {
    /**
     * out[outRow + t][r] = (W x[first + t])[r] + bias[r] (+ residual[outRow + t][r]), for rows {@code from} (inclusive) to {@code to} (exclusive)
     * and so many tokens.
     *
     * @param x at least {@code w.cols()} floats a token, of which the first are taken
     */
    void linear(StoredMatrix w, int from, int to, Rows x, int first, int tokens, Target out, int outRow, Workspace ws);

    /** The same for the first tokens. */
    default void linear(StoredMatrix w, int from, int to, Rows x, int tokens, Target out, Workspace ws) {
        linear(w, from, to, x, 0, tokens, out, 0, ws);
    }
}
