package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.Grouping;
import io.jllm.quant.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Weights as AutoAWQ stores them, in 4 bits, of K columns and N rows. For "gemm": {@code qweight} K x N/8 words, {@code qzeros} a row of as many
 * words for each group, and {@code scales} a row for each group; a word holds numbers of eight rows, even ones first. For "gemv": {@code qweight}
 * N x K/8 words, {@code qzeros} and {@code scales} a row for each row of weights, with room for more groups than there are; numbers are in order.
 */
final class AwqWeights {
    static final int BITS = 4;
    private static final int NUMBERS = Integer.SIZE / BITS;
    /** Where the number of a row is in a word of eight rows. */
    static final int[] PLACES = {0, 4, 1, 5, 2, 6, 3, 7};

    private AwqWeights() {
    }

    static CheckpointTensor of(PackedModule module, PackedForm.Awq form) {
        Tensor words = module.need("qweight", DType.I32);
        Tensor zeros = module.need("qzeros", DType.I32);
        Tensor scales = module.need("scales", DType.F16, DType.BF16, DType.F32);
        String shapes = "qzeros has " + zeros.rows() + " x " + zeros.cols() + ", scales " + scales.rows() + " x " + scales.cols();
        if (form.byRows()) {
            int cols = module.size(words.cols() * NUMBERS);
            int size = module.size(form.groupSize() == PackedForm.ALL ? cols : Math.min(cols, form.groupSize()));
            long groups = Math.ceilDiv(cols, size);
            module.check(zeros.rows() == words.rows() && scales.rows() == words.rows() && zeros.cols() * NUMBERS >= groups && scales.cols() >= groups,
                    shapes);
            return module.weight("AWQ 4-bit", Grouping.of(BITS, cols, size, scales.type()),
                    new Rows(new BitStream(words.data(), 1), words.cols(), new BitStream(zeros.data(), 1), zeros.cols(), scales), words.rows());
        }
        int cols = module.size(words.rows());
        int groups = module.size(scales.rows());
        int size = Math.ceilDiv(cols, groups);
        module.check(zeros.rows() == groups && zeros.cols() == words.cols() && scales.cols() == words.cols() * NUMBERS
                && Math.ceilDiv(cols, size) == groups, shapes);
        return module.weight("AWQ 4-bit", Grouping.of(BITS, cols, size, scales.type()),
                new Columns(words.data(), zeros.data(), scales, words.cols()), scales.cols());
    }

    /**
     * Of "gemm".
     *
     * @param stride words of a row of {@code words} and {@code zeros}
     */
    private record Columns(MemorySegment words, MemorySegment zeros, Tensor scales, long stride) implements Grouped.Numbers {
        @Override
        public List<MemorySegment> sources() {
            return List.of(words, zeros, scales.data());
        }

        @Override
        public void numbers(long row, byte[] to) {
            read(words, row, to);
        }

        @Override
        public void numbers(long row, byte[][] to) {
            if (row % NUMBERS != 0 || to.length % NUMBERS != 0) {
                Grouped.Numbers.super.numbers(row, to);
                return;
            }
            int cols = to[0].length;
            int whole = cols - cols % NUMBERS;
            var square = new long[NUMBERS];
            for (int r = 0; r < to.length; r += NUMBERS) {
                long at = (row + r) / NUMBERS;
                for (int i = 0; i < cols; i += NUMBERS) {
                    for (int k = 0; k < NUMBERS; k++) {
                        square[k] = i + k < cols ? BitStream.nibbles(words.get(StoredNumbers.INT, (at + (i + k) * stride) * Integer.BYTES)) : 0;
                    }
                    transpose(square);
                    for (int j = 0; j < NUMBERS; j++) {
                        if (i < whole) {
                            BitStream.LONGS.set(to[r + j], i, square[PLACES[j]]);
                        } else {
                            rest(square[PLACES[j]], to[r + j], i);
                        }
                    }
                }
            }
        }

        private static void rest(long numbers, byte[] to, int from) {
            for (int i = from; i < to.length; i++) {
                to[i] = (byte) (numbers >>> (i - from) * Byte.SIZE);
            }
        }

        /** Byte k of number p becomes byte p of number k; of eight. */
        private static void transpose(long[] x) {
            swap(x, 4, 0x00000000FFFFFFFFL);
            swap(x, 2, 0x0000FFFF0000FFFFL);
            swap(x, 1, 0x00FF00FF00FF00FFL);
        }

        private static void swap(long[] x, int apart, long mask) {
            for (int a = 0; a < x.length; a++) {
                if ((a & apart) == 0) {
                    long t = (x[a] >>> apart * Byte.SIZE ^ x[a + apart]) & mask;
                    x[a + apart] ^= t;
                    x[a] ^= t << apart * Byte.SIZE;
                }
            }
        }

        @Override
        public boolean alwaysZero(byte zero) {
            return new BitStream(zeros, 1).only(BITS, zero);
        }

        @Override
        public void scales(long row, float[] to) {
            for (int g = 0; g < to.length; g++) {
                to[g] = StoredNumbers.number(scales, g * scales.cols() + row);
            }
        }

        @Override
        public void zeros(long row, byte[] to) {
            read(zeros, row, to);
        }

        private void read(MemorySegment from, long row, byte[] to) {
            long at = row / NUMBERS;
            int shift = PLACES[(int) (row % NUMBERS)] * BITS;
            for (int i = 0; i < to.length; i++, at += stride) {
                to[i] = (byte) (from.get(StoredNumbers.INT, at * Integer.BYTES) >>> shift & (1 << BITS) - 1);
            }
        }
    }

    /** Of "gemv". */
    private record Rows(BitStream words, long stride, BitStream zeros, long zeroStride, Tensor scales) implements Grouped.Numbers {
        @Override
        public List<MemorySegment> sources() {
            return List.of(words.words(), zeros.words(), scales.data());
        }

        @Override
        public void numbers(long row, byte[] to) {
            words.read(row * stride, BITS, to);
        }

        @Override
        public void scales(long row, float[] to) {
            for (int g = 0; g < to.length; g++) {
                to[g] = StoredNumbers.number(scales, row * scales.cols() + g);
            }
        }

        @Override
        public void zeros(long row, byte[] to) {
            zeros.read(row * zeroStride, BITS, to);
        }
    }
}
