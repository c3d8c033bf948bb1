package io.jllm.cpu.kernels;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.Op.Activation;
import io.jllm.model.Rope;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Plain Java, for JVMs without the Vector API. */
public final class ScalarKernels implements LoopKernels {
    /** What {@link Activation#SWIGLU_OAI} limits numbers to, and multiplies them by. */
    public static final float SWIGLU_LIMIT = 7;
    public static final float SWIGLU_ALPHA = 1.702f;
    /** Of the approximation of erf. */
    public static final float ERF_P = 0.3275911f;
    public static final float ERF_1 = 0.254829592f;
    public static final float ERF_2 = -0.284496736f;
    public static final float ERF_3 = 1.421413741f;
    public static final float ERF_4 = -1.453152027f;
    public static final float ERF_5 = 1.061405429f;
    private static final double SQRT_2_PI = Math.sqrt(2 / Math.PI);

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public int vectorBits() {
        return Float.SIZE;
    }

    /** {@inheritDoc} None: this tier takes weights as the file has them. */
    @Override
    public Optional<PackedProducts> packed(WeightFormat format) {
        return Optional.empty();
    }

    @Override
    public void linear(StoredMatrix w, int from, int to, Rows x, int first, int tokens, Target out, int outRow, Workspace ws) {
        for (int r = from; r < to; r++) {
            w.decode(r, ws.row);
            for (int t = 0; t < tokens; t++) {
                ws.sums[0] = dot(ws.row, x.data(), x.row(first + t), w.cols());
                out.put(w, r, 1, outRow + t, ws.sums, 0);
            }
        }
    }

    /** Four running sums, for one would wait for itself; so it counts as a vector of four lanes. */
    private static float dot(float[] w, MemorySegment x, long at, int n) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int i = 0;
        for (; i < n - 3; i += 4) {
            long a = at + (long) i * Float.BYTES;
            s0 += w[i] * x.get(FLOAT, a);
            s1 += w[i + 1] * x.get(FLOAT, a + 4);
            s2 += w[i + 2] * x.get(FLOAT, a + 8);
            s3 += w[i + 3] * x.get(FLOAT, a + 12);
        }
        float sum = (s0 + s2) + (s1 + s3);
        for (; i < n; i++) {
            sum += w[i] * x.get(FLOAT, at + (long) i * Float.BYTES);
        }
        return sum;
    }

    @Override
    public void scores(KvLayout layout, MemorySegment page, long keys, int from, int n, float[] q, int rows, float[] scores, int at, int stride,
                       Workspace ws) {
        float[] k = ws.head(n);
        int dim = layout.dim();
        for (int d = 0; d < dim; d++) {
            layout.keys(page, keys, d, from, n, k);
            for (int r = 0; r < rows; r++) {
                float x = q[r * dim + d];
                int first = at + r * stride;
                for (int p = 0; p < n; p++) {
                    scores[first + p] = (d == 0 ? 0 : scores[first + p]) + x * k[p];
                }
            }
        }
    }

    @Override
    public void cap(float[] s, int at, int n, float c, Workspace ws) {
        for (int i = at; i < at + n; i++) {
            s[i] = (float) (c * Math.tanh((double) s[i] / c));
        }
    }

    @Override
    public float largest(float[] scores, int at, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = at; i < at + n; i++) {
            max = Math.max(max, scores[i]);
        }
        return max;
    }

    @Override
    public float exponentials(float[] s, int at, int n, float max, Workspace ws) {
        float sum = 0;
        for (int i = at; i < at + n; i++) {
            s[i] = (float) Math.exp(s[i] - max);
            sum += s[i];
        }
        return sum;
    }

    @Override
    public void addValues(KvLayout layout, MemorySegment page, long values, int from, int n, float[] p, int at, int stride, int rows, float[] acc,
                          int accAt, int accStride, Workspace ws) {
        int dim = layout.dim();
        float[] v = ws.head(dim);
        for (int j = 0; j < n; j++) {
            layout.value(page, values, from + j, v);
            for (int r = 0; r < rows; r++) {
                float weight = p[at + r * stride + j];
                int first = accAt + r * accStride;
                for (int i = 0; i < dim; i++) {
                    acc[first + i] += weight * v[i];
                }
            }
        }
    }

    @Override
    public void rmsNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float eps,
                        Workspace ws) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double x = in.get(FLOAT, inAt + (long) i * Float.BYTES);
            sum += x * x;
        }
        float factor = (float) (1 / Math.sqrt(sum / n + eps));
        for (int i = 0; i < n; i++) {
            out.set(FLOAT, outAt + (long) i * Float.BYTES, in.get(FLOAT, inAt + (long) i * Float.BYTES) * factor * weight[i]);
        }
    }

    @Override
    public void layerNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float[] bias, float eps,
                          Workspace ws) {
        double mean = 0;
        for (int i = 0; i < n; i++) {
            mean += in.get(FLOAT, inAt + (long) i * Float.BYTES);
        }
        mean /= n;
        double squares = 0;
        for (int i = 0; i < n; i++) {
            double x = in.get(FLOAT, inAt + (long) i * Float.BYTES) - mean;
            squares += x * x;
        }
        double factor = 1 / Math.sqrt(squares / n + eps);
        for (int i = 0; i < n; i++) {
            double x = (in.get(FLOAT, inAt + (long) i * Float.BYTES) - mean) * factor;
            out.set(FLOAT, outAt + (long) i * Float.BYTES, (float) (x * weight[i] + bias[i]));
        }
    }

    @Override
    public void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n) {
        for (int i = 0; i < n; i++) {
            out.set(FLOAT, outAt + (long) i * Float.BYTES, factor * in.get(FLOAT, inAt + (long) i * Float.BYTES));
        }
    }

    @Override
    public void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * Float.BYTES;
            out.set(FLOAT, outAt + at, a.get(FLOAT, aAt + at) + factor * b.get(FLOAT, bAt + at));
        }
    }

    @Override
    public void act(Activation kind, MemorySegment in, long inAt, MemorySegment out, long outAt, int n, Workspace ws) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * Float.BYTES;
            out.set(FLOAT, outAt + at, activate(kind, in.get(FLOAT, inAt + at)));
        }
    }

    @Override
    public void rotate(Rope.Layout layout, float[] x, int n, float[] cos, float[] sin, int at) {
        switch (layout) {
            case NEOX -> rotateHalves(x, 0, n / 2, cos, sin, at);
            case INTERLEAVED -> rotateNeighbours(x, 0, n, cos, sin, at);
        }
    }

    /** Pairs of i and {@code half + i}, from {@code from} on. */
    public static void rotateHalves(float[] x, int from, int half, float[] cos, float[] sin, int at) {
        for (int i = from; i < half; i++) {
            float a = x[i];
            float b = x[half + i];
            x[i] = a * cos[at + i] + b * sin[at + i];
            x[half + i] = b * cos[at + half + i] + a * sin[at + half + i];
        }
    }

    /** Pairs of an even number and the next one, from {@code from} on. */
    public static void rotateNeighbours(float[] x, int from, int n, float[] cos, float[] sin, int at) {
        for (int i = from; i < n; i += 2) {
            float a = x[i];
            float b = x[i + 1];
            x[i] = a * cos[at + i] + b * sin[at + i];
            x[i + 1] = b * cos[at + i + 1] + a * sin[at + i + 1];
        }
    }

    @Override
    public void gated(Activation kind, MemorySegment data, long gateAt, long upAt, MemorySegment out, long outAt, int n,
                      Workspace ws) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * Float.BYTES;
            out.set(FLOAT, outAt + at, gated(kind, data.get(FLOAT, gateAt + at), data.get(FLOAT, upAt + at)));
        }
    }

    /** A gated activation of one pair of numbers. */
    public static float gated(Activation kind, float gate, float up) {
        if (kind == Activation.SWIGLU_OAI) {
            double g = Math.min(gate, SWIGLU_LIMIT);
            return (float) (g / (1 + Math.exp(-SWIGLU_ALPHA * g)) * (Math.clamp(up, -SWIGLU_LIMIT, SWIGLU_LIMIT) + 1));
        }
        return activate(kind, gate) * up;
    }

    /** An activation of one number, as exact as floats are. */
    public static float activate(Activation kind, double x) {
        return (float) switch (kind) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_PI * (x + 0.044715 * x * x * x)));
            case GELU -> x >= 0 ? x - x * lowerHalf(x) : x * lowerHalf(-x);
            case RELU -> Math.max(x, 0);
            case RELU_SQUARED -> Math.max(x, 0) * Math.max(x, 0);
            case SWIGLU_OAI -> throw new IllegalArgumentException(kind + " needs a gate");
        };
    }

    /**
     * (1 - erf(x / sqrt(2))) / 2, for x of at least 0: how likely a normal variable is above x, to less than 1e-7. Source: Abramowitz and
     * Stegun, Handbook of Mathematical Functions, 7.1.26.
     */
    private static double lowerHalf(double x) {
        double t = 1 / (1 + ERF_P * x / Math.sqrt(2));
        return t * (ERF_1 + t * (ERF_2 + t * (ERF_3 + t * (ERF_4 + t * ERF_5)))) * Math.exp(-x * x / 2) / 2;
    }
}
