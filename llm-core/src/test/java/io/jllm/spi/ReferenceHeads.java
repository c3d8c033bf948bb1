package io.jllm.spi;

import io.jllm.model.HeadOp;
import java.util.Map;
import java.util.Optional;

/** The oracle's ops on heads. */
final class ReferenceHeads {
    private ReferenceHeads() {
    }

    static void norm(HeadOp.NormHeads op, float[] in, float[] out, int rows, Map<String, float[]> weights) {
        int width = op.out().width();
        System.arraycopy(in, 0, out, 0, rows * width);
        for (int t = 0; t < rows; t++) {
            int at = t * width;
            op.q().ifPresent(n -> norm(n, out, at, op.shape().heads(), op.shape().headDim(), weights));
            op.k().ifPresent(n -> norm(n, out, at + op.shape().qDim(), op.shape().kvHeads(), op.shape().headDim(), weights));
            for (int i = at; i < at + width && op.clip() > 0; i++) {
                out[i] = Math.clamp(out[i], -op.clip(), op.clip());
            }
        }
    }

    private static void norm(HeadOp.HeadNorm n, float[] x, int at, int heads, int dim, Map<String, float[]> weights) {
        boolean all = n.scope() == HeadOp.Scope.ALL;
        int length = all ? heads * dim : dim;
        for (int h = 0; h < (all ? 1 : heads); h++) {
            int from = n.scope() == HeadOp.Scope.EACH ? h * dim : 0;
            switch (n.kind()) {
                case RMS -> rms(n, x, at + h * dim, length, from, weights);
                case LAYER -> ReferenceRows.layerNorm(x, at + h * dim, length, n.weight().map(weights::get), n.bias().map(weights::get), from,
                        n.eps(), x);
            }
        }
    }

    private static void rms(HeadOp.HeadNorm n, float[] x, int at, int length, int from, Map<String, float[]> weights) {
        double sum = 0;
        for (int i = at; i < at + length; i++) {
            sum += (double) x[i] * x[i];
        }
        double factor = 1 / Math.sqrt(sum / length + n.eps());
        Optional<float[]> w = n.weight().map(weights::get);
        Optional<float[]> b = n.bias().map(weights::get);
        for (int i = 0; i < length; i++) {
            x[at + i] = (float) (x[at + i] * factor * (w.isPresent() ? w.get()[from + i] : 1) + (b.isPresent() ? b.get()[from + i] : 0));
        }
    }

    static void rotate(HeadOp.Rotate op, float[] in, float[] out, StepBatch b) {
        int width = op.out().width();
        System.arraycopy(in, 0, out, 0, b.tokens * width);
        for (int s = 0; s < b.sequences; s++) {
            for (int t = b.queryStart[s]; t < b.queryStart[s + 1]; t++) {
                for (int h = 0; h < op.shape().heads() + op.shape().kvHeads(); h++) {
                    ReferenceAttention.rotate(op.rope().at(b.ropeLength[s]), out, t * width + h * op.shape().headDim(), b.positions[t]);
                }
            }
        }
    }

    static void scale(HeadOp.ScaleQueries op, float[] in, float[] out, StepBatch b) {
        int width = op.out().width();
        for (int t = 0; t < b.tokens; t++) {
            for (int i = t * width; i < (t + 1) * width; i++) {
                out[i] = in[i] * op.factor(b.positions[t]);
            }
        }
    }
}
