package io.jllm.spi;

import io.jllm.model.LatentOp;
import java.util.Arrays;
import java.util.Map;

/** The oracle's latent attention. */
final class ReferenceLatent {
    private ReferenceLatent() {
    }

    static void qkv(LatentOp.LatentQkv op, float[] q, float[] kv, Map<String, float[]> weights, boolean quantised, float[] out, int rows) {
        LatentOp.LatentShape s = op.shape();
        int head = s.rope() + s.latent();
        int qHead = s.nope() + s.rope();
        int width = op.out().width();
        float[] keys = weights.get(op.keys());
        for (int t = 0; t < rows; t++) {
            int at = t * width;
            for (int h = 0; h < s.heads(); h++) {
                int from = t * op.q().width() + h * qHead;
                float[] x = head(q, from, s.nope(), quantised);
                System.arraycopy(q, from + s.nope(), out, at, s.rope());
                product(keys, h * s.latent(), s.latent(), x, out, at + s.rope());
                at += head;
            }
            int from = t * op.kv().width();
            var latent = Arrays.copyOfRange(kv, from, from + s.latent());
            ReferenceAttention.rms(latent, 0, s.latent(), weights.get(op.norm()), op.eps(), latent);
            System.arraycopy(kv, from + s.latent(), out, at, s.rope());
            System.arraycopy(latent, 0, out, at + s.rope(), s.latent());
            Arrays.fill(out, at + head, at + head + s.rope(), 0);
            System.arraycopy(latent, 0, out, at + head + s.rope(), s.latent());
        }
    }

    static void linear(LatentOp.HeadLinear op, float[] in, float[] matrix, boolean quantised, float[] out, int rows) {
        int rowsOfHead = op.out().width() / op.heads();
        int stride = op.in().width() / op.heads();
        for (int t = 0; t < rows; t++) {
            for (int h = 0; h < op.heads(); h++) {
                float[] x = head(in, t * op.in().width() + h * stride + op.skip(), stride - op.skip(), quantised);
                product(matrix, h * rowsOfHead, rowsOfHead, x, out, t * op.out().width() + h * rowsOfHead);
            }
        }
    }

    private static float[] head(float[] x, int at, int length, boolean quantised) {
        var part = Arrays.copyOfRange(x, at, at + length);
        return quantised ? ReferenceRunner.quantized(part, length) : part;
    }

    private static void product(float[] matrix, int first, int rows, float[] x, float[] out, int at) {
        for (int r = 0; r < rows; r++) {
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                sum += (double) matrix[(first + r) * x.length + i] * x[i];
            }
            out[at + r] = (float) sum;
        }
    }
}
