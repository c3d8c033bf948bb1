package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Scaled;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Brings 8-bit floats and their scales together. A weight {@code w} has them in {@code w_scale_inv} (DeepSeek and transformers: of blocks, 128 x 128
 * mostly) or {@code w_scale} (compressed-tensors, fbgemm: of the tensor or of each row); despite the name of the former both are factors.
 * Scales of activations and of the cache stand beside them, and are not used: activations are not rounded here.
 */
final class EightBitScales {
    private static final Set<DType> VALUES = Set.of(DType.F8_E4M3, DType.F8_E5M2);
    private static final Set<DType> SCALES = Set.of(DType.F32, DType.F16, DType.BF16, DType.F8_E8M0);
    private static final List<String> SUFFIXES = List.of("_scale_inv", "_scale");

    private EightBitScales() {
    }

    /**
     * The same tensors, 8-bit floats with their scales and those not by themselves.
     *
     * @param block what the checkpoint says of {@code w_scale_inv}
     * @throws io.jllm.quant.FormatException if a weight has no scale and others have one, or one that does not fit it
     */
    static List<CheckpointTensor> joined(List<CheckpointTensor> tensors, Optional<ScaleBlock> block) {
        Map<String, CheckpointTensor> byName = new HashMap<>();
        tensors.forEach(t -> byName.put(t.name(), t));
        var used = new HashSet<String>();
        var eight = tensors.stream().filter(EightBitScales::isEightBit).toList();
        eight.forEach(t -> scale(t, byName).ifPresent(s -> used.add(s.name())));
        var out = new ArrayList<CheckpointTensor>();
        for (CheckpointTensor t : tensors) {
            if (used.contains(t.name())) {
                continue;
            }
            if (!(t.values() instanceof CheckpointTensor.Plain(Tensor values)) || !isEightBit(t)) {
                out.add(t);
                continue;
            }
            Optional<CheckpointTensor> scale = scale(t, byName);
            if (scale.isEmpty() && !used.isEmpty()) {
                throw t.broken("is of type " + t.dtype() + " and has no scale: neither " + t.name() + SUFFIXES.get(0) + " nor " + t.name()
                        + SUFFIXES.get(1) + " is there, though others have theirs");
            }
            out.add(t.with(new CheckpointTensor.Made(scale.map(s -> scaled(t, values, s, block))
                    .orElseGet(() -> new Scaled(values, one(), 1, Math.max(1, values.rows()), Math.max(1, values.cols()))))));
        }
        return out;
    }

    private static boolean isEightBit(CheckpointTensor t) {
        return t.values() instanceof CheckpointTensor.Plain(Tensor values) && VALUES.contains(values.type());
    }

    private static Optional<CheckpointTensor> scale(CheckpointTensor t, Map<String, CheckpointTensor> byName) {
        return SUFFIXES.stream().map(s -> byName.get(t.name() + s)).filter(s -> s != null).findFirst();
    }

    private static Tensor one() {
        return new Tensor("1", DType.F8_E8M0, 1, 1, MemorySegment.ofArray(new byte[] {127}));
    }

    private static Scaled scaled(CheckpointTensor t, Tensor values, CheckpointTensor scale, Optional<ScaleBlock> block) {
        if (!(scale.values() instanceof CheckpointTensor.Plain(Tensor scales)) || !SCALES.contains(scales.type())) {
            throw scale.broken("is of type " + scale.dtype() + "; scales must be F32, F16, BF16 or F8_E8M0");
        }
        if (scales.rows() * scales.cols() == 1) {
            return new Scaled(values, scales, 1, Math.max(1, values.rows()), Math.max(1, values.cols()));
        }
        // a row for each row of blocks, of each matrix
        var grid = new ArrayList<>(scale.shape());
        while (grid.size() < t.shape().size()) {
            grid.add(1L);
        }
        int lead = t.shape().size() - 2;
        if (lead < 0 || grid.size() != t.shape().size() || !grid.subList(0, lead).equals(t.shape().subList(0, lead))) {
            throw misfit(t, scale, block);
        }
        long matrices = t.shape().subList(0, lead).stream().reduce(1L, Math::multiplyExact);
        long gridRows = grid.get(lead);
        long gridCols = grid.get(lead + 1);
        var size = size(t.shape().get(lead), t.shape().get(lead + 1), gridRows, gridCols, block).orElseThrow(() -> misfit(t, scale, block));
        var table = new Tensor(scales.name(), scales.type(), matrices * gridRows, gridCols, scales.data());
        return new Scaled(values, table, Math.max(1, matrices), size.rows(), size.cols());
    }

    /** The blocks of so many rows and columns: as the checkpoint says, or rows; where it says nothing, those of which whole ones fit. */
    private static Optional<ScaleBlock> size(long rows, long cols, long gridRows, long gridCols, Optional<ScaleBlock> said) {
        if (rows < 1 || cols < 1 || gridRows < 1 || gridCols < 1) {
            return Optional.empty();
        }
        if (said.isPresent() && Math.ceilDiv(rows, said.get().rows()) == gridRows && Math.ceilDiv(cols, said.get().cols()) == gridCols) {
            return said;
        }
        boolean fits = said.isEmpty() ? rows % gridRows == 0 && cols % gridCols == 0 : gridRows == rows && gridCols == 1;
        return fits ? Optional.of(new ScaleBlock(rows / gridRows, cols / gridCols)) : Optional.empty();
    }

    private static RuntimeException misfit(CheckpointTensor t, CheckpointTensor scale, Optional<ScaleBlock> block) {
        return scale.broken("has the shape " + scale.shape() + ", which does not fit " + t.name() + " of shape " + t.shape()
                + block.map(b -> " in blocks of " + b.rows() + " x " + b.cols()).orElse(""));
    }
}
