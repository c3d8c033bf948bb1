package io.jllm.cpu.kernels;

/** A weight matrix: outputs by inputs. */
public sealed interface Matrix permits StoredMatrix, PackedMatrix {
    /** Outputs. */
    int rows();

    /** Inputs. */
    int cols();

    /** Bytes of its weights. */
    long bytes();

    /** Writes a row as floats, from the first element of {@code to} on. */
    void decode(int row, float[] to);
}
