package io.jllm.cuda;

import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Grouping;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Weights whose matrices are packed: in 4 bits in groups of 64 columns, neighbours of which are in different groups; or in 8 bits, with outliers of
 * their inputs.
 *
 * @param like shapes of matrices, which are zeros here, and all else
 * @param threshold of outliers; 0 for 4 bits
 */
record PackedZeros(WeightSource like, float threshold) implements WeightSource {
    private static final int GROUP = 64;

    /** Numbers that are all their zero. */
    private record Zeros(byte zero) implements Grouped.Numbers {
        @Override
        public List<MemorySegment> sources() {
            return List.of();
        }

        @Override
        public void numbers(long row, byte[] to) {
            Arrays.fill(to, zero);
        }

        @Override
        public void scales(long row, float[] to) {
            Arrays.fill(to, 1);
        }

        @Override
        public void zeros(long row, byte[] to) {
            Arrays.fill(to, zero);
        }
    }

    @Override
    public Set<String> names() {
        return like.names();
    }

    @Override
    public Optional<Weights> find(String name) {
        return like.find(name).map(w -> w.rows() == 1 ? w : threshold == 0 ? scattered(w) : withOutliers(w));
    }

    private static Weights scattered(Weights w) {
        int cols = Math.toIntExact(w.cols());
        int groups = cols / GROUP;
        int[] groupOf = IntStream.range(0, cols).map(c -> c % groups).toArray();
        var grouped = new Grouped(w.name(), "zeros", Grouping.of(4, cols, GROUP, DType.F16).ordered(groupOf, groups), new Zeros((byte) 0), w.rows());
        return grouped.with(GroupedBlocks.of(grouped).orElseThrow());
    }

    private Weights withOutliers(Weights w) {
        int cols = Math.toIntExact(w.cols());
        var grouped = new Grouped(w.name(), "zeros", Grouping.of(8, cols, cols, DType.F32), new Zeros(Byte.MIN_VALUE), w.rows());
        return new Assembled(w.name(), List.of(GroupedBlocks.of(grouped).orElseThrow().withOutliers(threshold).orElseThrow()));
    }

    @Override
    public void close() {
        like.close();
    }
}
