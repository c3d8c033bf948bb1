package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.SplitBlocks;
import io.jllm.quant.SplitFloats;
import io.jllm.quant.Tensor;
import java.util.List;

/**
 * Weights of floats of 4 bits (E2M1), two a byte, the first in its low half. compressed-tensors has them in {@code weight_packed}, with
 * {@code weight_scale}: of 32 columns a power of two ("mxfp4-pack-quantized"), or of 16 a float of 8 bits, and {@code weight_global_scale}, by
 * which these are divided ("nvfp4-pack-quantized"). ModelOpt has the latter in {@code weight} and {@code weight_scale}, with {@code weight_scale_2},
 * by which they are multiplied. Scales of activations are not used.
 */
final class SmallFloats {
    private static final int BLOCK = 32;
    private static final int SHARED = 16;

    private SmallFloats() {
    }

    /** Those of compressed-tensors. */
    static CheckpointTensor compressed(PackedModule module) {
        module.find("input_global_scale");
        return module.find("weight_global_scale").isPresent()
                ? scaled(module, "weight_packed", 1 / factor(module, "weight_global_scale")) : powers(module);
    }

    /** Those of ModelOpt. */
    static CheckpointTensor modelOpt(PackedModule module) {
        module.find("input_scale");
        return scaled(module, "weight", factor(module, "weight_scale_2"));
    }

    private static float factor(PackedModule module, String kind) {
        Tensor t = module.need(kind, DType.F32);
        module.check(t.rows() * t.cols() == 1, kind + " has " + t.rows() * t.cols() + " numbers, must have 1");
        float factor = StoredNumbers.number(t, 0);
        module.check(factor > 0 && Float.isFinite(1 / factor), kind + " is " + factor + ", must be above 0");
        return factor;
    }

    private static CheckpointTensor scaled(PackedModule module, String kind, float factor) {
        Tensor numbers = module.need(kind, DType.I8);
        Tensor scales = module.need("weight_scale", DType.F8_E4M3);
        fit(module, numbers, scales, SHARED, DType.E2M1_64.blockElements());
        return module.made("NVFP4", List.of(numbers.rows(), 2 * numbers.cols()), new SplitFloats(numbers, scales, factor));
    }

    private static CheckpointTensor powers(PackedModule module) {
        Tensor numbers = module.need("weight_packed", DType.I8);
        Tensor scales = module.need("weight_scale", DType.I8, DType.F8_E8M0);
        fit(module, numbers, scales, BLOCK, BLOCK);
        var blocks = new Tensor(numbers.name(), DType.I8, scales.rows() * scales.cols(), BLOCK / 2, numbers.data());
        var bytes = new Tensor(scales.name(), DType.I8, scales.rows(), scales.cols(), scales.data());
        return module.made("MXFP4", List.of(numbers.rows(), 2 * numbers.cols()),
                new SplitBlocks(blocks, bytes, 0, numbers.rows(), 1, 2 * numbers.cols()));
    }

    private static void fit(PackedModule module, Tensor numbers, Tensor scales, int shared, int whole) {
        long cols = 2 * numbers.cols();
        module.check(cols % whole == 0, cols + " columns; supported are multiples of " + whole);
        module.check(scales.rows() == numbers.rows() && scales.cols() == cols / shared, "weight_scale has " + scales.rows() + " x " + scales.cols()
                + " for " + numbers.rows() + " x " + cols + " values in groups of " + shared);
    }
}
