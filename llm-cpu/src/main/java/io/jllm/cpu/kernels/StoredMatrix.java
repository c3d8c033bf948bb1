package io.jllm.cpu.kernels;

import io.jllm.quant.Assembled;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
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
public record StoredMatrix(Codec codec, MemorySegment data, int rows, int cols, long rowBytes, float[] bias) implements Matrix {
    /** A matrix with a bias for each row, or with none. */
    public static StoredMatrix of(Weights w, float[] bias) {
        return switch (w) {
            case Tensor t -> of(t, bias);
            case Assembled a -> of(a.copied(), bias);
        };
    }

    private static StoredMatrix of(Tensor t, float[] bias) {
        Codec codec = Codec.of(t.type()).orElseThrow(() -> new IllegalArgumentException("no codec for " + t.type()));
        return new StoredMatrix(codec, t.data(), Math.toIntExact(t.rows()), Math.toIntExact(t.cols()), t.rowBytes(), bias);
    }

    /** Its format. */
    public DType type() {
        return codec.type();
    }

    /** What is added to output {@code row}. */
    float bias(int row) {
        return bias.length == 0 ? 0 : bias[row];
    }

    @Override
    public void decode(int row, float[] to) {
        codec.decode(data, row * rowBytes, to, 0, cols);
    }
}
