package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.os.LargeMemory;
import io.jllm.model.Op.Activation;
import io.jllm.model.Rope;
import java.lang.foreign.MemorySegment;

/**
 * A tier in Java: the loops that take the time, of which products of stored weights, attention, norms and rotations are made here, alike for
 * all such tiers. Stateless and thread-safe: each thread brings its own {@link Workspace}. Offsets into memory segments are in bytes, into
 * arrays in floats; all floats are little-endian.
 *
 * <p><b>The order of summation</b> is part of the contract. With L lanes (4 in plain Java), a sum over products
 * {@code w[i] * x[i]} keeps L running sums, of which number l takes the i with {@code i mod L = l}, in order, up to the last
 * whole group of L; these are added as a balanced tree, half to half; what is left over is added one by one. It depends
 * neither on how many rows or tokens are computed together nor on which thread does it. So a sequence's numbers are the same
 * to the last bit alone and among others, with one thread and with many. (Between kernels, or widths of vectors, they differ
 * by rounding.)
 */
public interface LoopKernels extends CpuKernels, StoredProducts {
    /** Rows of queries come in multiples of this. */
    int ROWS = 4;

    /** Bits of a vector; 32 if there are none. */
    int vectorBits();

    /**
     * scores[at + r * stride + p] = row r of {@code q} times the key of position {@code from + p}, summed up dimension by dimension.
     * Up to {@link KvLayout#SLACK} bytes behind each row of scores may be overwritten.
     *
     * @param page memory of a cache
     * @param keys where the keys of the head start in it
     * @param from first position in the page
     * @param n positions
     * @param q rows of {@code layout.dim()} floats
     * @param rows a multiple of {@link #ROWS}
     */
    void scores(KvLayout layout, MemorySegment page, long keys, int from, int n, float[] q, int rows, float[] scores, int at, int stride,
                Workspace ws);

    /** s[i] = c * tanh(s[i] / c), for {@code n} numbers; c is above 0. What is behind them may be overwritten, as above. */
    void cap(float[] s, int at, int n, float c, Workspace ws);

    /** The largest of {@code n} scores. What is behind them may be overwritten, as above. */
    float largest(float[] scores, int at, int n);

    /**
     * s[i] = exp(s[i] - max), for {@code n} scores. What is behind them may be overwritten, as above.
     *
     * @return their sum, in the order that is said above, but for all: what does not fill a vector counts as 0
     */
    float exponentials(float[] s, int at, int n, float max, Workspace ws);

    /**
     * acc[accAt + r * accStride + i] += p[at + r * stride + j] * v[from + j][i], position after position.
     *
     * @param values where the values of the head start in the page
     * @param rows a multiple of {@link #ROWS}
     */
    void addValues(KvLayout layout, MemorySegment page, long values, int from, int n, float[] p, int at, int stride, int rows, float[] acc,
                   int accAt, int accStride, Workspace ws);

    /** out = in / sqrt(mean(in^2) + eps) * weight, over {@code n} floats; in place too. */
    void rmsNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float eps,
                 Workspace ws);

    /** out = (in - mean(in)) / sqrt(variance(in) + eps) * weight + bias, over {@code n} floats; in place too. */
    void layerNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float[] bias, float eps, Workspace ws);

    /** out = factor * in, over {@code n} floats; in place too. */
    void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n);

    /** out = a + factor * b, over {@code n} floats; in place too. */
    void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n);

    /** out = act(in), over {@code n} floats; in place too. */
    void act(Activation kind, MemorySegment in, long inAt, MemorySegment out, long outAt, int n, Workspace ws);

    /**
     * Rotates pairs of a head's first {@code n} dimensions: x[i] becomes x[i] * cos[at + i] + x[j] * sin[at + i], where j is the other
     * one of the pair.
     *
     * @param n even; behind the last of them nothing changes
     * @param sin those of the first of each pair negated
     */
    void rotate(Rope.Layout layout, float[] x, int n, float[] cos, float[] sin, int at);

    /** out = act(gate) * up, over {@code n} floats of one segment, or what else the kind says. */
    void gated(Activation kind, MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n,
               Workspace ws);

    @Override
    default String describe() {
        return name() + " kernels" + (vectorBits() > Float.SIZE ? " of " + vectorBits() + " bits" : "");
    }

    @Override
    default StoredProducts stored() {
        return this;
    }

    @Override
    default Decoder decoder(WeightFormat format) {
        return PackedMatrix::decodeGroup;
    }

    @Override
    default RowKernels rows() {
        return new LoopRows(this);
    }

    @Override
    default ThinProducts thin() {
        return ThinProducts.PLAIN;
    }

    @Override
    default Rotation rope(RopeSite site) {
        return new LoopRotation(site, this);
    }

    @Override
    default Rotation.Heads rotation(RopeShape shape, Angles angles) {
        return new LoopHeads(shape, angles, this);
    }

    @Override
    default Attention attention(AttentionSite site) {
        return new LoopChunks(site, this);
    }

    @Override
    default LargeMemory memory() {
        return LargeMemory.allowed();
    }
}
