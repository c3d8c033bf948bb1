package io.jllm.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/**
 * NVFP4 as Hugging Face checkpoints have it, read as {@link DType#E2M1_64}: scales stand in a tensor of their own, the factor in another one, and
 * byte j of a row holds values 2j and 2j + 1. No value is computed. Source: compressed-tensors and NVIDIA's ModelOpt.
 *
 * @param bytes values, two a byte, the first in its low half
 * @param scales of 16 values each, floats of 8 bits, as bytes; a row for each row
 * @param factor what all are multiplied by
 */
public record SplitFloats(Tensor bytes, Tensor scales, float factor) implements Part {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = DType.E2M1_64.blockElements();
    private static final int SHARED = 16;

    /** Checks that all of it is there. */
    public SplitFloats {
        if (cols(bytes) % BLOCK != 0 || scales.rows() != bytes.rows() || scales.cols() != cols(bytes) / SHARED
                || bytes.type().bytes(1) != 1 || scales.type().bytes(1) != 1) {
            throw new IllegalArgumentException("tensors " + bytes.name() + ", " + bytes.rows() + " x " + bytes.cols() + " " + bytes.type() + ", and "
                    + scales.name() + ", " + scales.rows() + " x " + scales.cols() + " " + scales.type() + ", are no rows of " + cols(bytes)
                    + " values in blocks of " + BLOCK + " with a scale for each " + SHARED);
        }
    }

    private static long cols(Tensor bytes) {
        return 2 * bytes.cols();
    }

    @Override
    public DType type() {
        return DType.E2M1_64;
    }

    @Override
    public long rows() {
        return bytes.rows();
    }

    @Override
    public long cols() {
        return cols(bytes);
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(bytes.data(), scales.data());
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        int rowBytes = Math.toIntExact(bytes.cols());
        int blocks = rowBytes / (BLOCK / 2);
        var numbers = new byte[rowBytes];
        long at = 0;
        for (long r = row; r < row + count; r++) {
            MemorySegment.copy(bytes.data(), ValueLayout.JAVA_BYTE, r * rowBytes, numbers, 0, rowBytes);
            for (int b = 0; b < blocks; b++) {
                to.set(FLOAT, at, factor);
                MemorySegment.copy(scales.data(), r * scales.cols() + (long) b * BLOCK / SHARED, to, at + Float.BYTES, BLOCK / SHARED);
                at += Float.BYTES + BLOCK / SHARED;
                for (int run = 0; run < BLOCK / 2; run += SHARED, at += SHARED) {
                    SplitBlocks.regroup(numbers, b * BLOCK / 2 + run, to, at);
                }
            }
        }
    }
}
