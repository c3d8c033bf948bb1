package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.Grouping;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Weights of signed bytes, row after row, times the scales of rows or of groups of columns: LLM.int8() of bitsandbytes ({@code weight}, {@code SCB},
 * the greatest magnitude of a row, which 127 stands for), compressed-tensors' "int-quantized" ({@code weight}, {@code weight_scale}) and torchao's
 * {@code _weight_qdata}, {@code _weight_scale} and {@code _weight_zero_point}. 128 is added to numbers and zeros, so that they have no sign.
 *
 * @param bytes the numbers
 * @param factors a row of scales for each row of numbers
 * @param divisor what a scale is to be divided by
 * @param offsets zeros, as factors; empty if all are 0
 */
record SignedNumbers(Tensor bytes, Tensor factors, float divisor, Optional<Tensor> offsets) implements Grouped.Numbers {
    private static final int BITS = 8;
    private static final byte SIGN = Byte.MIN_VALUE;
    private static final float GREATEST = 127;

    /**
     * LLM.int8().
     *
     * @param threshold of inputs that meet weights as floats; 0 if none do
     */
    static CheckpointTensor rowwise(PackedModule module, float threshold) {
        module.find("weight_format").ifPresent(t -> {
            var format = PackedModule.bytes(t);
            if (format.byteSize() != 1 || format.get(StoredNumbers.BYTE, 0) != 0) {
                throw t.broken("is not 0 (row): columns in the order of a GPU (col32, col_turing, col_ampere) cannot be read;"
                        + " save the model with a newer bitsandbytes");
            }
        });
        Tensor numbers = module.need("weight", DType.I8);
        Tensor most = module.need("SCB", DType.F32);
        module.check(most.rows() * most.cols() == numbers.rows(), "SCB has " + most.rows() * most.cols() + " scales");
        var factors = new Tensor(most.name(), most.type(), numbers.rows(), 1, most.data());
        return of(module, "LLM.int8", new SignedNumbers(numbers, factors, GREATEST, Optional.empty())).withOutliers(threshold);
    }

    /** Of bytes with scales beside them. */
    static CheckpointTensor scaled(PackedModule module, String format, String numbersKind, String scaleKind, String zeroKind) {
        Tensor numbers = module.need(numbersKind, DType.I8);
        Tensor scales = module.need(scaleKind, DType.F32, DType.F16, DType.BF16);
        if (scales.rows() * scales.cols() == numbers.rows()) {
            scales = new Tensor(scales.name(), scales.type(), numbers.rows(), 1, scales.data());
        }
        Tensor factors = scales;
        module.check(factors.rows() == numbers.rows(), scaleKind + " has " + factors.rows() + " x " + factors.cols());
        Optional<Tensor> zeros = module.find(zeroKind).map(t -> PackedModule.plain(t, DType.I8));
        zeros.ifPresent(z -> module.check(z.rows() * z.cols() == factors.rows() * factors.cols(), zeroKind + " has " + z.rows() + " x " + z.cols()));
        return of(module, format, new SignedNumbers(numbers, factors, 1, zeros));
    }

    private static CheckpointTensor of(PackedModule module, String format, SignedNumbers numbers) {
        int cols = module.size(numbers.bytes.cols());
        int groups = module.size(numbers.factors.cols());
        int size = Math.ceilDiv(cols, groups);
        module.check(Math.ceilDiv(cols, size) == groups, groups + " scales for rows of " + cols);
        DType scales = numbers.divisor == 1 ? numbers.factors.type() : DType.F32;
        return module.weight(format, Grouping.of(BITS, cols, size, scales), numbers, numbers.bytes.rows());
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(bytes.data(), factors.data());
    }

    @Override
    public void numbers(long row, byte[] to) {
        shifted(bytes, row, to);
    }

    @Override
    public void scales(long row, float[] to) {
        for (int g = 0; g < to.length; g++) {
            to[g] = StoredNumbers.number(factors, row * factors.cols() + g) / divisor;
        }
    }

    @Override
    public void zeros(long row, byte[] to) {
        if (offsets.isPresent()) {
            shifted(offsets.get(), row * to.length / offsets.get().cols(), to);
        } else {
            Arrays.fill(to, SIGN);
        }
    }

    private static void shifted(Tensor t, long row, byte[] to) {
        for (int i = 0; i < to.length; i++) {
            to[i] = (byte) (t.data().get(StoredNumbers.BYTE, row * t.cols() + i) ^ SIGN);
        }
    }
}
