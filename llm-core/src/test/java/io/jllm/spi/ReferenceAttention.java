package io.jllm.spi;

import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Rope;
import io.jllm.quant.DType;
import java.util.Map;

/**
 * The oracle's attention: rotation, pages of keys and values, and the sum over positions, one plain loop each. Keys and values are
 * rounded to what their type can hold, then kept as floats.
 */
final class ReferenceAttention {
    private final DType type;
    private final int blockSize;
    private final Map<String, float[]> weights;
    private final float[][][] k; // [layer][block][offset * kvDim + i]
    private final float[][][] v;
    private long kvBytes;

    ReferenceAttention(DType type, int layers, int blocks, int blockSize, Map<String, float[]> weights) {
        this.type = type;
        this.blockSize = blockSize;
        this.weights = weights;
        k = new float[layers][blocks][];
        v = new float[layers][blocks][];
    }

    /** out = in / sqrt(mean(in^2) + eps) * weight, of one row in both; in place too. */
    static void rms(float[] in, int at, int width, float[] weight, float eps, float[] out) {
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += (double) in[at + i] * in[at + i];
        }
        double factor = 1 / Math.sqrt(sum / width + eps);
        for (int i = 0; i < width; i++) {
            out[at + i] = (float) (in[at + i] * factor * weight[i]);
        }
    }

    /** Norms, rotates and stores; q receives the queries. */
    void ropeStore(HeadOp.RopeStoreKv op, float[] qkv, float[] q, StepBatch b) {
        Op.AttentionShape s = op.shape();
        int dim = s.headDim();
        int width = s.qDim() + 2 * s.kvDim();
        for (int t = 0, sequence = 0; t < b.tokens; t++) {
            sequence += t == b.queryStart[sequence + 1] ? 1 : 0;
            Rope rope = op.rope().at(b.ropeLength[sequence]);
            var row = new float[width];
            System.arraycopy(qkv, t * width, row, 0, width);
            for (int h = 0; h < s.heads() + s.kvHeads(); h++) {
                int at = h * dim;
                boolean query = h < s.heads();
                op.norm().ifPresent(n -> rms(row, at, dim, weights.get(query ? n.qWeight() : n.kWeight()), n.eps(), row));
                rotate(rope, row, at, b.positions[t]);
            }
            System.arraycopy(row, 0, q, t * s.qDim(), s.qDim());
            int block = b.kvSlots[t] / blockSize;
            int offset = b.kvSlots[t] % blockSize * s.kvDim();
            for (int h = 0; h < 2 * s.kvHeads(); h++) {
                round(row, s.qDim() + h * dim, dim);
            }
            System.arraycopy(row, s.qDim(), page(k, op, block), offset, s.kvDim());
            System.arraycopy(row, s.qDim() + s.kvDim(), page(v, op, block), offset, s.kvDim());
        }
    }

    /** Of 8 bits: the largest of 32 numbers by 127; the last ones of a head may be fewer. */
    private void round(float[] x, int at, int dim) {
        for (int i = at; i < at + dim && type == DType.F16; i++) {
            x[i] = Float.float16ToFloat(Float.floatToFloat16(Math.clamp(x[i], -65504f, 65504f)));
        }
        for (int i = at; i < at + dim && type == DType.BF16; i++) {
            int bits = Float.floatToRawIntBits(x[i]);
            x[i] = Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
        }
        for (int i = at; i < at + dim && type == DType.F8_E4M3; i++) { // three bits of fraction, the smallest exponent is -6, the largest number 448
            float x8 = Math.clamp(x[i], -448f, 448f);
            float step = Math.scalb(1f, Math.max(-6, Math.getExponent(x8)) - 3);
            x[i] = (float) Math.rint(x8 / step) * step;
        }
        for (int b = 0; b < dim && type == DType.Q8_0; b += 32) {
            float largest = 0;
            for (int i = at + b; i < at + Math.min(dim, b + 32); i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            float scale = largest / 127;
            for (int i = at + b; i < at + Math.min(dim, b + 32) && scale > 0; i++) {
                x[i] = (float) (Math.rint(x[i] / scale) * Float.float16ToFloat(Float.floatToFloat16(scale)));
            }
        }
    }

    private float[] page(float[][][] cache, HeadOp.RopeStoreKv op, int block) {
        float[][] layer = cache[op.layer()];
        if (layer[block] == null) {
            layer[block] = new float[blockSize * op.shape().kvDim()];
            kvBytes += (long) layer[block].length * Float.BYTES;
        }
        return layer[block];
    }

    static void rotate(Rope rope, float[] x, int at, int position) {
        int half = rope.rotaryDim() / 2;
        for (int i = 0; i < half; i++) {
            float angle = position * rope.invFreq()[i];
            float cos = (float) Math.cos(angle) * rope.attentionFactor();
            float sin = (float) Math.sin(angle) * rope.attentionFactor();
            boolean neox = rope.layout() == Rope.Layout.NEOX;
            int a = at + (neox ? i : 2 * i);
            int b = neox ? a + half : a + 1;
            float xa = x[a];
            float xb = x[b];
            x[a] = xa * cos - xb * sin;
            x[b] = xa * sin + xb * cos;
        }
    }

    /** Attention of every token and head. */
    void attend(Op.PagedAttention op, float[] q, float[] out, StepBatch b) {
        for (int s = 0; s < b.sequences; s++) {
            for (int t = b.queryStart[s]; t < b.queryStart[s + 1]; t++) {
                for (int h = 0; h < op.shape().heads(); h++) {
                    head(op, q, b, s, t, h, out);
                }
            }
        }
    }

    private void head(Op.PagedAttention op, float[] q, StepBatch b, int sequence, int t, int head, float[] out) {
        Op.AttentionShape s = op.shape();
        int dim = s.headDim();
        int kvAt = head / (s.heads() / s.kvHeads()) * dim;
        int qAt = t * s.qDim() + head * dim;
        int last = b.positions[t];
        int first = op.scores().first(last);
        var p = new double[last + 1];
        double max = Double.NEGATIVE_INFINITY;
        for (int j = first; j <= last; j++) {
            int key = j;
            float[] page = k[op.layer()][block(b, sequence, j)];
            int at = j % blockSize * s.kvDim() + kvAt;
            double dot = 0;
            for (int i = 0; i < dim; i++) {
                dot += (double) q[qAt + i] * page[at + i];
            }
            dot *= op.scores().scale();
            float cap = op.scores().softCap();
            double bias = op.scores().alibi().map(a -> a.bias(head, key, last)).orElse(0f);
            p[j] = (cap > 0 ? cap * Math.tanh(dot / cap) : dot) + bias;
            max = Math.max(max, p[j]);
        }
        double sum = 0;
        if (op.scores().sinks().isPresent()) {
            double sink = weights.get(op.scores().sinks().get())[head];
            max = Math.max(max, sink);
            sum = Math.exp(sink - max);
        }
        for (int j = first; j <= last; j++) {
            p[j] = Math.exp(p[j] - max);
            sum += p[j];
        }
        for (int i = 0; i < dim; i++) {
            double acc = 0;
            for (int j = first; j <= last; j++) {
                acc += p[j] * v[op.layer()][block(b, sequence, j)][j % blockSize * s.kvDim() + kvAt + i];
            }
            out[qAt + i] = (float) (acc / sum);
        }
    }

    private int block(StepBatch b, int sequence, int position) {
        return b.blockTable[sequence * b.maxBlocks + position / blockSize];
    }

    /** Copies a block of every layer. */
    void copy(int from, int to) {
        for (int l = 0; l < k.length; l++) {
            copy(k[l], from, to);
            copy(v[l], from, to);
        }
    }

    private void copy(float[][] layer, int from, int to) {
        if (layer[from] == null) {
            return; // the model has no such layer
        }
        kvBytes += layer[to] == null ? (long) layer[from].length * Float.BYTES : 0;
        layer[to] = layer[from].clone();
    }

    /** Bytes of the blocks in use. */
    long bytes() {
        return kvBytes;
    }
}
