package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.Grouping;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Weights as GPTQ's programs store them, of K columns and N rows: {@code qweight}, K/32 x bits rows of N words, each a stream of numbers along K;
 * {@code qzeros}, a row for each group, a stream along N; {@code scales}, a row for each group; and {@code g_idx}, the group of each column, which
 * older files lack. A stored zero may be one less than what it stands for, and then the greatest stands for 0. Source: AutoGPTQ, GPTQModel.
 */
record GptqWeights(BitStream numbers, BitStream zeros, Tensor scales, int bits, boolean zerosLessOne) implements Grouped.Numbers {
    static CheckpointTensor of(PackedModule module, PackedForm.Gptq form) {
        Tensor words = module.need("qweight", DType.I32);
        Tensor zeros = module.need("qzeros", DType.I32);
        Tensor scales = module.need("scales", DType.F16, DType.BF16, DType.F32);
        long rows = scales.cols();
        int bits = (int) (rows == 0 ? 0 : zeros.cols() * Integer.SIZE / rows);
        String shapes = "qzeros has " + zeros.rows() + " x " + zeros.cols() + ", scales " + scales.rows() + " x " + rows;
        module.check(Grouping.BITS.contains(bits) && zeros.cols() * Integer.SIZE == rows * bits && words.cols() == rows
                && zeros.rows() == scales.rows() && words.rows() * Integer.SIZE % bits == 0, shapes + ", numbers would have " + bits + " bits");
        int cols = module.size(words.rows() * Integer.SIZE / bits);
        int groups = module.size(scales.rows());
        long said = form.groupSize() == PackedForm.ALL ? cols : form.groupSize();
        boolean fits = Math.ceilDiv(cols, said) == groups;
        // a module may have groups of its own
        int size = module.size(fits ? Math.min(said, cols) : Math.ceilDiv(cols, groups));
        module.check(Math.ceilDiv(cols, size) == groups, shapes + "; " + cols + " columns have " + groups + " groups of no size");
        Grouping plain = Grouping.of(bits, cols, size, scales.type());
        Grouping grouping = module.find("g_idx").map(t -> ordered(module, plain, PackedModule.plain(t, DType.I32), groups)).orElse(plain);
        var numbers = new GptqWeights(new BitStream(words.data(), rows), new BitStream(zeros.data(), 1), scales, bits, form.zerosLessOne());
        return module.weight("GPTQ " + bits + "-bit", grouping, numbers, rows);
    }

    /** Old files have zeros in place of the usual order. */
    private static Grouping ordered(PackedModule module, Grouping plain, Tensor indices, int groups) {
        int[] groupOf = StoredNumbers.integers(indices);
        return Arrays.stream(groupOf).allMatch(g -> g == 0) ? plain : module.ordered(plain, groupOf, groups);
    }

    @Override
    public List<MemorySegment> sources() {
        return List.of(numbers.words(), zeros.words(), scales.data());
    }

    @Override
    public void numbers(long row, byte[] to) {
        numbers.read(row, bits, to);
    }

    @Override
    public void numbers(long row, byte[][] to) {
        numbers.read(row, bits, to);
    }

    @Override
    public boolean alwaysZero(byte zero) {
        return zeros.only(bits, zero - (zerosLessOne ? 1 : 0));
    }

    @Override
    public void scales(long row, float[] to) {
        for (int g = 0; g < to.length; g++) {
            to[g] = StoredNumbers.number(scales, g * scales.cols() + row);
        }
    }

    @Override
    public void zeros(long row, byte[] to) {
        long words = scales.cols() * bits / Integer.SIZE;
        for (int g = 0; g < to.length; g++) {
            to[g] = (byte) (zeros.get(g * words, bits, row) + (zerosLessOne ? 1 : 0) & (1 << bits) - 1);
        }
    }
}
