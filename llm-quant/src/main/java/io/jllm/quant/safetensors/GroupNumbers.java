package io.jllm.quant.safetensors;

import io.jllm.quant.DType;
import io.jllm.quant.Grouping;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A matrix whose weights are (number - zero) * scale of their group, and the tensors that packed checkpoints keep it in. The arrays are not
 * copied, and belong to it from then on.
 *
 * @param rows outputs, at least 1
 * @param cols inputs, at least 1
 * @param bits of a number: 2, 3, 4 or 8
 * @param numbers row after row, without a sign
 * @param scales of the groups, row after row, each of which half precision has
 * @param zeros of the groups, row after row, without a sign
 * @param groupOf the group of each column
 */
public record GroupNumbers(int rows, int cols, int bits, byte[] numbers, float[] scales, byte[] zeros, int[] groupOf) {
    /** Numbers of one matrix fill whole words along its columns and along its rows where these are multiples of that. */
    public static final int WORD = Integer.SIZE;
    /** A word of AWQ has so many numbers. */
    public static final int AWQ_WORD = 8;

    /**
     * Checks that the sizes fit.
     *
     * @throws IllegalArgumentException if they do not
     */
    public GroupNumbers {
        if (!Grouping.BITS.contains(bits) || (long) rows * cols != numbers.length || scales.length != zeros.length || scales.length % rows != 0
                || groupOf.length != cols) {
            throw new IllegalArgumentException(rows + " x " + cols + " numbers of " + bits + " bits do not fit arrays of " + numbers.length + ", "
                    + scales.length + ", " + zeros.length + " and " + groupOf.length);
        }
    }

    /** Groups of a row. */
    public int groups() {
        return scales.length / rows;
    }

    /** The weights of a row, as readers unpack them. */
    public void decode(int row, float[] to) {
        int first = row * groups();
        for (int c = 0; c < cols; c++) {
            int group = first + groupOf[c];
            to[c] = ((numbers[row * cols + c] & 0xFF) - (zeros[group] & 0xFF)) * scales[group];
        }
    }

    /**
     * As GPTQ's programs store it: {@code qweight}, {@code qzeros}, {@code scales} and {@code g_idx}. Source: AutoGPTQ, GPTQModel.
     *
     * @param module what their names begin with, without the point
     * @param zerosLessOne whether one less than each zero is stored, as in the first version of the format
     * @throws IllegalArgumentException if rows or columns are no multiples of {@link #WORD}
     */
    public List<StoredTensor> gptq(String module, boolean zerosLessOne) {
        if (rows % WORD != 0 || cols % WORD != 0) {
            throw new IllegalArgumentException(module + " has " + rows + " x " + cols + " weights: multiples of " + WORD + " fill words");
        }
        int groups = groups();
        var words = new Words((long) cols / WORD * bits, rows);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                words.add((long) c * bits, rows, r, numbers[r * cols + c] & 0xFF);
            }
        }
        var zeroWords = new Words(groups, (long) rows / WORD * bits);
        for (int r = 0; r < rows; r++) {
            for (int g = 0; g < groups; g++) {
                int zero = (zeros[r * groups + g] & 0xFF) - (zerosLessOne ? 1 : 0) & (1 << bits) - 1;
                zeroWords.add((long) r * bits, 1, g * zeroWords.cols, zero);
            }
        }
        var indices = new Words(1, cols);
        for (int c = 0; c < cols; c++) {
            indices.data.set(StoredNumbers.INT, (long) c * Integer.BYTES, groupOf[c]);
        }
        return List.of(words.tensor(module + ".qweight"), zeroWords.tensor(module + ".qzeros"), scales(module),
                new StoredTensor(module + ".g_idx", DType.I32, List.of((long) cols), indices.data));
    }

    /**
     * As AutoAWQ stores it, in its version "gemm": {@code qweight}, {@code qzeros} and {@code scales}.
     *
     * @param module what their names begin with, without the point
     * @throws IllegalArgumentException if numbers do not have 4 bits, groups do not follow each other, or rows are no multiple of {@link #AWQ_WORD}
     */
    public List<StoredTensor> awq(String module) {
        int groups = groups();
        if (bits != AwqWeights.BITS || rows % AWQ_WORD != 0 || cols % groups != 0) {
            throw new IllegalArgumentException(module + " has " + rows + " x " + cols + " numbers of " + bits + " bits in " + groups
                    + " groups: AWQ has 4 bits, rows in multiples of " + AWQ_WORD + ", and equal groups");
        }
        var words = new Words(cols, rows / AWQ_WORD);
        var zeroWords = new Words(groups, rows / AWQ_WORD);
        for (int r = 0; r < rows; r++) {
            int word = r / AWQ_WORD;
            int place = AwqWeights.PLACES[r % AWQ_WORD] * bits;
            for (int c = 0; c < cols; c++) {
                words.add(place, 1, (long) c * words.cols + word, numbers[r * cols + c] & 0xFF);
            }
            for (int g = 0; g < groups; g++) {
                zeroWords.add(place, 1, (long) g * words.cols + word, zeros[r * groups + g] & 0xFF);
            }
        }
        return List.of(words.tensor(module + ".qweight"), zeroWords.tensor(module + ".qzeros"), scales(module));
    }

    private StoredTensor scales(String module) {
        var data = MemorySegment.ofArray(new byte[Math.multiplyExact(scales.length, Short.BYTES)]);
        int groups = groups();
        for (int r = 0; r < rows; r++) {
            for (int g = 0; g < groups; g++) {
                data.set(StoredNumbers.SHORT, ((long) g * rows + r) * Short.BYTES, Float.floatToFloat16(scales[r * groups + g]));
            }
        }
        return new StoredTensor(module + ".scales", DType.F16, List.of((long) groups, (long) rows), data);
    }

    /** A matrix of words, all zero at first. */
    private record Words(long rows, long cols, MemorySegment data) {
        Words(long rows, long cols) {
            this(rows, cols, MemorySegment.ofArray(new byte[Math.toIntExact(Math.multiplyExact(rows, cols * Integer.BYTES))]));
        }

        /** Puts a number at a bit of a stream whose words stand {@code step} apart, from word {@code first} on; it may reach into the next. */
        void add(long bit, long step, long first, int number) {
            long at = (first + bit / Integer.SIZE * step) * Integer.BYTES;
            long placed = (long) number << bit % Integer.SIZE;
            data.set(StoredNumbers.INT, at, data.get(StoredNumbers.INT, at) | (int) placed);
            if (placed >>> Integer.SIZE != 0) {
                long next = at + step * Integer.BYTES;
                data.set(StoredNumbers.INT, next, data.get(StoredNumbers.INT, next) | (int) (placed >>> Integer.SIZE));
            }
        }

        StoredTensor tensor(String name) {
            return new StoredTensor(name, DType.I32, List.of(rows, cols), data);
        }
    }
}
