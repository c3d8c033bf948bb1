package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;

/** Products of weights as the file has them. Thread-safe: each thread brings its own {@link Workspace}. */
public interface StoredProducts {
    /**
     * out[t][r] = (W x[t])[r] + bias[r] (+ residual[t][r]), for rows {@code from} (inclusive) to {@code to} (exclusive) and all
     * tokens.
     *
     * @param x {@code w.cols()} floats a token
     */
    void linear(StoredMatrix w, int from, int to, Rows x, int tokens, Target out, Workspace ws);
}
