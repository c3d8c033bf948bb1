package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.attention.ChainKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import java.util.Optional;

/**
 * How chains of tasks are launched: what the image says, and what the device has.
 *
 * @param kernel what the image says
 * @param room shared memory that a block can have
 */
public record ChainShape(ChainKernels.Shape kernel, int room) {
    /** Stages of weights on their way to a block: with fewer, memory would wait for the arithmetic. */
    static final int LEAST_STAGES = 3;
    private static final int ALIGNMENT = 128;
    /** Columns of block formats come in multiples of this, so that their scales can be copied in pieces of 16 bytes. */
    private static final int COLUMNS = 64;

    /** The shape, if there is a kernel for a type of keys and values, the device can run it, and the program is one for which it pays. */
    public static Optional<ChainShape> of(Kernels kernels, String kvSuffix, int room, Program program) {
        return whole(program) && ChainKernels.exist(kernels, kvSuffix)
                ? Optional.of(new ChainShape(ChainKernels.Shape.of(kernels), room)) : Optional.empty();
    }

    /** Whether nothing cuts chains in each layer, as experts do: an H200 reads weights at a quarter of its speed in chains of one or two tasks. */
    static boolean whole(Program program) {
        return program.ops().stream().noneMatch(ExpertOp.class::isInstance);
    }

    /** Whether a chain can multiply by such a matrix. */
    boolean multiplies(WeightPlan.Matrix m) {
        return kernel.stageBytes().containsKey(m.format()) && (m.format().dense() || m.cols() % COLUMNS == 0)
                && stages(vectorBytes(m) + attentionBytes(kernel.largestHead()), stageBytes(m.format())) >= LEAST_STAGES;
    }

    /** Whether a chain can attend with heads of that size. */
    boolean attends(int headDim) {
        return headDim % 8 == 0 && headDim <= kernel.largestHead();
    }

    /** Bytes of a block's copy of the vector that a matrix meets: floats, or bytes with a scale for each 32. */
    int vectorBytes(WeightPlan.Matrix m) {
        return aligned(m.format().dense() ? Math.ceilDiv(m.cols(), 8) * 8L * Float.BYTES : m.cols() / 32 * 40L);
    }

    /** Bytes that attention takes beside the vector. */
    int attentionBytes(int headDim) {
        return aligned(kernel.attentionBytes() + (long) kernel.attentionBytesPerDimension() * rounded(headDim));
    }

    private int rounded(int headDim) {
        return headDim <= 64 ? 64 : headDim <= 128 ? 128 : kernel.largestHead();
    }

    private static int aligned(long bytes) {
        return Math.toIntExact(Math.min(Integer.MAX_VALUE / 2, Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT));
    }

    /** Bytes of a stage for weights of a format that it multiplies by. */
    int stageBytes(DeviceFormat format) {
        return kernel.stageBytes().get(format);
    }

    /** Bytes of the smallest stage. */
    int leastStageBytes() {
        return kernel.stageBytes().values().stream().mapToInt(Integer::intValue).min().orElseThrow();
    }

    /** Stages for which a block has room beside other bytes. */
    int stages(int otherBytes, int stageBytes) {
        return Math.min(kernel.mostStages(), (room - kernel.sharedBytes() - otherBytes) / stageBytes);
    }
}
