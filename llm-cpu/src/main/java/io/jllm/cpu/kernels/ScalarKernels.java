package io.jllm.cpu.kernels;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.layout.KvLayout;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.model.Op.Activation;
import io.jllm.model.Rope;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Plain Java, for JVMs without the Vector API. */
public final class ScalarKernels implements LoopKernels {
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
    public void linear(StoredMatrix w, int from, int to, Rows x, int tokens, Target out, Workspace ws) {
        for (int r = from; r < to; r++) {
            w.codec().decode(w.data(), r * w.rowBytes(), ws.row, 0, w.cols());
            for (int t = 0; t < tokens; t++) {
                ws.sums[0] = dot(ws.row, x.data(), x.row(t), w.cols());
                out.put(w, r, 1, t, ws.sums, 0);
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
    public float largest(float[] scores, int at, int n, float softCap, Workspace ws) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = at; i < at + n; i++) {
            if (softCap > 0) {
                scores[i] = (float) (softCap * Math.tanh(scores[i] / softCap));
            }
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
            out.set(FLOAT, outAt + at, activate(kind, data.get(FLOAT, gateAt + at)) * data.get(FLOAT, upAt + at));
        }
    }

    /** An activation of one number, as exact as floats are. */
    public static float activate(Activation kind, double x) {
        return (float) switch (kind) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_PI * (x + 0.044715 * x * x * x)));
            case RELU -> Math.max(x, 0);
            case RELU_SQUARED -> Math.max(x, 0) * Math.max(x, 0);
            case GELU, SWIGLU_OAI -> throw new IllegalArgumentException("there are no kernels for " + kind);
        };
    }
}
