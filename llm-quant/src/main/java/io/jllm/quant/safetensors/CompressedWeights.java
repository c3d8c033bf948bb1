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
 * Weights as compressed-tensors stores them as "pack-quantized", of K columns and N rows: {@code weight_packed}, N rows of words, each a stream
 * along K of numbers less the least one; {@code weight_scale}, a row of scales for each row; {@code weight_zero_point}, absent if all are 0, a
 * stream along N for each group; {@code weight_g_idx}, the group of each column, absent if they follow each other; {@code weight_shape}, N and K.
 *
 * @param words numbers
 * @param stride words a row
 * @param scales a row for each row
 * @param zeros a stream for each group; empty if all are the middle
 * @param bits of a number
 */
record CompressedWeights(BitStream words, long stride, Tensor scales, Optional<BitStream> zeros, int bits) implements Grouped.Numbers {
    static CheckpointTensor of(PackedModule module) {
        Tensor words = module.need("weight_packed", DType.I32);
        Tensor shape = module.need("weight_shape", DType.I64);
        Tensor scales = module.need("weight_scale", DType.F16, DType.BF16, DType.F32);
        module.check(shape.rows() * shape.cols() == 2, "weight_shape has " + shape.rows() * shape.cols() + " numbers");
        long rows = shape.data().get(StoredNumbers.LONG, 0);
        int cols = module.size(shape.data().get(StoredNumbers.LONG, Long.BYTES));
        int bits = (int) (words.cols() * Integer.SIZE / cols);
        String shapes = "weight_shape says " + rows + " x " + cols + ", weight_scale has " + scales.rows() + " x " + scales.cols();
        module.check(words.rows() == rows && (bits == 4 || bits == 8) && words.cols() == Math.ceilDiv((long) cols * bits, Integer.SIZE)
                && scales.rows() == rows, shapes + ", numbers would have " + bits + " bits; supported are 4 and 8");
        int groups = module.size(scales.cols());
        int size = Math.ceilDiv(cols, groups);
        module.check(Math.ceilDiv(cols, size) == groups, shapes);
        Optional<BitStream> zeros = module.find("weight_zero_point").map(t -> {
            Tensor z = PackedModule.plain(t, DType.I32);
            module.check(z.cols() == groups && z.rows() == Math.ceilDiv(rows * bits, Integer.SIZE),
                    "weight_zero_point has " + z.rows() + " x " + z.cols());
            return new BitStream(z.data(), groups);
        });
        Grouping plain = Grouping.of(bits, cols, size, scales.type());
        Grouping grouping = module.find("weight_g_idx").map(t -> ordered(module, plain, PackedModule.plain(t, DType.I32), groups)).orElse(plain);
        return module.weight("INT" + bits, grouping, new CompressedWeights(new BitStream(words.data(), 1), words.cols(), scales, zeros, bits), rows);
    }

    /** A place of -1 everywhere says that there is no order. */
    private static Grouping ordered(PackedModule module, Grouping plain, Tensor indices, int groups) {
        int[] groupOf = StoredNumbers.integers(indices);
        return Arrays.stream(groupOf).allMatch(g -> g == -1) ? plain : module.ordered(plain, groupOf, groups);
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(words.words(), scales.data());
    }

    @Override
    public void numbers(long row, byte[] to) {
        words.read(row * stride, bits, to);
    }

    @Override
    public boolean alwaysZero(byte zero) {
        return zeros.map(z -> z.only(bits, zero)).orElse(zero == (byte) (1 << bits - 1));
    }

    @Override
    public void scales(long row, float[] to) {
        for (int g = 0; g < to.length; g++) {
            to[g] = StoredNumbers.number(scales, row * scales.cols() + g);
        }
    }

    @Override
    public void zeros(long row, byte[] to) {
        if (zeros.isEmpty()) {
            Arrays.fill(to, (byte) (1 << bits - 1));
            return;
        }
        for (int g = 0; g < to.length; g++) {
            to[g] = (byte) zeros.get().get(g, bits, row);
        }
    }
}
