package io.jllm.spi;

import io.jllm.model.Op;
import java.util.Optional;

/** The oracle's norms, activations and sums, one plain loop each, in double. */
final class ReferenceRows {
    private ReferenceRows() {
    }

    /** Layer norm of one row in both; in place too. Weights and biases start at {@code from}. */
    static void layerNorm(float[] in, int at, int width, Optional<float[]> weight, Optional<float[]> bias, int from, float eps, float[] out) {
        double mean = 0;
        for (int i = 0; i < width; i++) {
            mean += in[at + i];
        }
        mean /= width;
        double squares = 0;
        for (int i = 0; i < width; i++) {
            squares += (in[at + i] - mean) * (in[at + i] - mean);
        }
        double factor = 1 / Math.sqrt(squares / width + eps);
        for (int i = 0; i < width; i++) {
            double x = (in[at + i] - mean) * factor;
            out[at + i] = (float) (x * (weight.isPresent() ? weight.get()[from + i] : 1) + (bias.isPresent() ? bias.get()[from + i] : 0));
        }
    }

    static void gated(Op.GatedAct op, float[] x, float[] out, int rows) {
        int width = op.out().width();
        for (int t = 0; t < rows; t++) {
            for (int i = 0; i < width; i++) {
                double gate = x[t * 2 * width + i];
                double up = x[t * 2 * width + width + i];
                if (op.kind() == Op.Activation.SWIGLU_OAI) {
                    gate = Math.min(gate, 7);
                    out[t * width + i] = (float) (gate / (1 + Math.exp(-1.702 * gate)) * (Math.clamp(up, -7, 7) + 1));
                } else {
                    out[t * width + i] = (float) (activate(op.kind(), gate) * up);
                }
            }
        }
    }

    static double activate(Op.Activation kind, double x) {
        return switch (kind) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case GELU -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
            case RELU -> Math.max(x, 0);
            case RELU_SQUARED -> Math.max(x, 0) * Math.max(x, 0);
            case SWIGLU_OAI -> throw new IllegalArgumentException("needs a gate");
        };
    }

    /** By its series, which converges for all x and is exact to about 1e-13 below 3; from 6 on it is 1 to the last bit. */
    static double erf(double x) {
        if (Math.abs(x) >= 6) {
            return Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; n < 400 && Math.abs(term) > 1e-20; n++) {
            term *= 2 * x * x / (2 * n + 1); // erf(x) = 2 / sqrt(pi) * exp(-x^2) * (x + 2 x^3 / 3 + 4 x^5 / 15 + ...), all of one sign
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    static void add(Op.Add op, float[] a, float[] b, Optional<float[]> gate, float[] out, int rows) {
        int width = op.out().width();
        for (int t = 0; t < rows; t++) {
            double factor = gate.isPresent() ? op.scale() / (1 + Math.exp(-gate.get()[t])) : op.scale();
            for (int i = t * width; i < (t + 1) * width; i++) {
                out[i] = (float) (a[i] + factor * b[i]);
            }
        }
    }
}
