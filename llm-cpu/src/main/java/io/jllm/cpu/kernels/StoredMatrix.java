package io.jllm.cpu.kernels;

import io.jllm.quant.Assembled;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * A weight matrix as the file stores it, in one place or several.
 *
 * @param codec reads its format
 * @param parts its bytes, native or mapped memory; not to be changed
 * @param starts the first row of each part, and the end; not to be changed
 * @param cols inputs
 * @param rowBytes bytes of a row
 * @param bias one number for each row, or none at all
 */
public record StoredMatrix(Codec codec, MemorySegment[] parts, int[] starts, int cols, long rowBytes, float[] bias) implements Matrix {
    /** A matrix in one place, with a bias for each row, or with none. */
    public StoredMatrix(Codec codec, MemorySegment data, int rows, int cols, long rowBytes, float[] bias) {
        this(codec, new MemorySegment[] {data}, new int[] {0, rows}, cols, rowBytes, bias);
    }

    /** A matrix with a bias for each row, or with none. */
    public static StoredMatrix of(Weights w, float[] bias) {
        return switch (w) {
            case Tensor t -> of(t.type(), List.of(t), bias);
            case Assembled a -> of(a.type(), a.parts(), bias);
        };
    }

    private static StoredMatrix of(DType type, List<Tensor> tensors, float[] bias) {
        Codec codec = Codec.of(type).orElseThrow(() -> new IllegalArgumentException("no codec for " + type));
        var starts = new int[tensors.size() + 1];
        for (int i = 0; i < tensors.size(); i++) {
            starts[i + 1] = Math.addExact(starts[i], Math.toIntExact(tensors.get(i).rows()));
        }
        Tensor first = tensors.getFirst();
        return new StoredMatrix(codec, tensors.stream().map(Tensor::data).toArray(MemorySegment[]::new), starts, Math.toIntExact(first.cols()),
                first.rowBytes(), bias);
    }

    /** Its format. */
    public DType type() {
        return codec.type();
    }

    @Override
    public int rows() {
        return starts[parts.length];
    }

    /** Whether all rows are in one place. */
    public boolean whole() {
        return parts.length == 1;
    }

    /** What is added to output {@code row}. */
    float bias(int row) {
        return bias.length == 0 ? 0 : bias[row];
    }

    @Override
    public void decode(int row, float[] to) {
        int part = whole() ? 0 : part(row);
        codec.decode(parts[part], (row - starts[part]) * rowBytes, to, 0, cols);
    }

    private int part(int row) {
        int at = Arrays.binarySearch(starts, row);
        int part = at >= 0 ? at : -at - 2;
        while (starts[part + 1] <= row) {
            part++; // parts without rows
        }
        return part;
    }
}
