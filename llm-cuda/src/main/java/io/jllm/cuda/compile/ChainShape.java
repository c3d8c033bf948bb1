package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.weights.DeviceFormat;
import io.jllm.cuda.weights.WeightPlan;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * How chains of tasks are launched: what the constant {@code chain_shape} says, and what the device has.
 *
 * @param threads a block
 * @param sharedBytes shared memory that a block takes in any case
 * @param attentionBytes what attention takes besides
 * @param attentionBytesPerDimension and for each dimension of a head
 * @param room shared memory that a block can have
 */
public record ChainShape(int threads, int sharedBytes, int attentionBytes, int attentionBytesPerDimension, int room) {
    /** Stages of weights on their way to a block: with fewer, memory would wait for the arithmetic. */
    static final int LEAST_STAGES = 3;
    private static final int MOST_STAGES = 16;
    private static final int NUMBERS = 4;
    /** Bytes of a stage: 256 chunks of four rows, each of 16 bytes and its part of the scales, or twice as many values where a value is a byte. */
    private static final int STAGE_BYTES = 256 * 4 * 18;
    private static final int WIDE_STAGE_BYTES = 256 * 4 * 34;
    private static final int ALIGNMENT = 128;
    /** Columns of block formats come in multiples of this, so that their scales can be copied in pieces of 16 bytes. */
    private static final int COLUMNS = 64;
    private static final Set<DeviceFormat> FORMATS = EnumSet.of(DeviceFormat.F32, DeviceFormat.F16, DeviceFormat.BF16, DeviceFormat.Q4_0,
            DeviceFormat.Q8_0);
    private static final int LARGEST_HEAD = 256;

    /** The shape, if there is a kernel of that name and the device can run it. */
    public static Optional<ChainShape> of(Kernels kernels, String kernel, int room) {
        if (!kernels.overlap() || kernels.find(kernel).isEmpty()) {
            return Optional.empty();
        }
        int[] n = kernels.shape("chain");
        if (n.length != NUMBERS) {
            throw new IllegalStateException("the constant chain_shape has " + n.length + " numbers, not " + NUMBERS);
        }
        return Optional.of(new ChainShape(n[0], n[1], n[2], n[3], room));
    }

    /** Whether a chain can multiply by such a matrix. */
    boolean multiplies(WeightPlan.Matrix m) {
        return FORMATS.contains(m.format()) && (m.format().dense() || m.cols() % COLUMNS == 0)
                && stages(Math.max(vectorBytes(m), attentionBytes(LARGEST_HEAD)), stageBytes(m.format())) >= LEAST_STAGES;
    }

    /** Whether a chain can attend with heads of that size. */
    boolean attends(int headDim) {
        return headDim % 8 == 0 && headDim <= LARGEST_HEAD;
    }

    /** Bytes of a block's copy of the vector that a matrix meets: floats, or bytes with a scale for each 32. */
    int vectorBytes(WeightPlan.Matrix m) {
        return aligned(m.format().dense() ? Math.ceilDiv(m.cols(), 8) * 8L * Float.BYTES : m.cols() / 32 * 40L);
    }

    /** Bytes that attention takes in place of the vector. */
    int attentionBytes(int headDim) {
        return aligned(attentionBytes + (long) attentionBytesPerDimension * rounded(headDim));
    }

    private static int rounded(int headDim) {
        return headDim <= 64 ? 64 : headDim <= 128 ? 128 : LARGEST_HEAD;
    }

    private static int aligned(long bytes) {
        return Math.toIntExact(Math.min(Integer.MAX_VALUE / 2, Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT));
    }

    /** Bytes of a stage for weights of a format. */
    static int stageBytes(DeviceFormat format) {
        return format == DeviceFormat.Q8_0 ? WIDE_STAGE_BYTES : STAGE_BYTES;
    }

    /** Stages for which a block has room beside other bytes. */
    int stages(int otherBytes, int stageBytes) {
        return Math.min(MOST_STAGES, (room - sharedBytes - otherBytes) / stageBytes);
    }
}
