package io.jllm.cpu.kernels;

import io.jllm.model.Op.Activation;
import java.lang.foreign.MemorySegment;

/**
 * The loops that take the time. Stateless and thread-safe: each thread brings its own {@link Workspace}. Offsets into memory
 * segments are in bytes, into arrays in floats; all floats are little-endian.
 *
 * <p><b>The order of summation</b> is part of the contract. With L lanes (4 in plain Java), a sum over products
 * {@code w[i] * x[i]} keeps L running sums, of which number l takes the i with {@code i mod L = l}, in order, up to the last
 * whole group of L; these are added as a balanced tree, half to half; what is left over is added one by one. It depends
 * neither on how many rows or tokens are computed together nor on which thread does it. So a sequence's numbers are the same
 * to the last bit alone and among others, with one thread and with many. (Between kernels, or widths of vectors, they differ
 * by rounding.)
 */
public interface Kernels {
    /** As a user would name it. */
    String name();

    /** Bits of a vector; 32 if there are none. */
    int vectorBits();

    /**
     * out[t][r] = (W x[t])[r] + bias[r] (+ residual[t][r]), for rows {@code from} (inclusive) to {@code to} (exclusive) and all
     * tokens.
     *
     * @param x {@code w.cols()} floats a token
     */
    void linear(StoredMatrix w, int from, int to, Rows x, int tokens, Target out, Workspace ws);

    /**
     * sums[at + t * stride + r] = row r of w times row t of x, both rows of floats.
     *
     * @param wStride bytes from row to row of {@code w}
     * @param xStride bytes from row to row of {@code x}
     * @param cols floats a row
     */
    void products(MemorySegment w, long wAt, long wStride, int rows, MemorySegment x, long xAt, long xStride, int tokens,
                  int cols, float[] sums, int at, int stride, Workspace ws);

    /**
     * Turns {@code n} products into weights that are not yet divided by their sum: s * scale, then c * tanh(s / c) if the soft
     * cap c is above 0, then exp(s - max).
     *
     * @return their sum
     */
    float softmax(float[] s, int at, int n, float scale, float softCap, Workspace ws);

    /** acc[i] += p[at + r] * v[r][i], row after row. */
    void addRows(float[] p, int at, MemorySegment v, long vAt, int rows, int width, float[] acc);

    /** out = in / sqrt(mean(in^2) + eps) * weight, over {@code n} floats; in place too. */
    void rmsNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float eps,
                 Workspace ws);

    /** out = act(gate) * up, over {@code n} floats of one segment. */
    void gated(Activation kind, MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n,
               Workspace ws);
}
