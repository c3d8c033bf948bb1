package io.jllm.cpu.kernels;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A weight matrix as the file stores it.
 *
 * @param codec reads its format
 * @param data its bytes, native or mapped memory
 * @param rows outputs
 * @param cols inputs
 * @param rowBytes bytes of a row
 * @param bias one number for each row, or none at all
 */
public record Matrix(Codec codec, MemorySegment data, int rows, int cols, long rowBytes, float[] bias) {
    private static final float[] NO_BIAS = {};

    /** A matrix without a bias. */
    public static Matrix of(Tensor t) {
        return of(t, NO_BIAS);
    }

    /** A matrix with a bias for each row. */
    public static Matrix of(Tensor t, float[] bias) {
        Codec codec = Codec.of(t.type()).orElseThrow(() -> new IllegalArgumentException("no codec for " + t.type()));
        return new Matrix(codec, t.data(), Math.toIntExact(t.rows()), Math.toIntExact(t.cols()), t.rowBytes(), bias);
    }

    /** Its format. */
    public DType type() {
        return codec.type();
    }

    /** What is added to output {@code row}. */
    float bias(int row) {
        return bias.length == 0 ? 0 : bias[row];
    }
}
