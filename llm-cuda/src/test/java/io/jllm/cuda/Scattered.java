package io.jllm.cuda;

import io.jllm.quant.DType;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Grouping;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Weights whose matrices are of 4 bits in groups of 64 columns, neighbours of which are in different groups.
 *
 * @param like shapes of matrices, which are zeros here, and all else
 */
record Scattered(WeightSource like) implements WeightSource {
    private static final int GROUP = 64;

    private static final Grouped.Numbers ZEROS = new Grouped.Numbers() {
        @Override
        public void numbers(long row, byte[] to) {
            Arrays.fill(to, (byte) 0);
        }

        @Override
        public void scales(long row, float[] to) {
            Arrays.fill(to, 1);
        }

        @Override
        public void zeros(long row, byte[] to) {
            Arrays.fill(to, (byte) 0);
        }
    };

    @Override
    public Set<String> names() {
        return like.names();
    }

    @Override
    public Optional<Weights> find(String name) {
        return like.find(name).map(w -> w.rows() == 1 ? w : scattered(w));
    }

    private static Grouped scattered(Weights w) {
        int cols = Math.toIntExact(w.cols());
        int groups = cols / GROUP;
        int[] groupOf = IntStream.range(0, cols).map(c -> c % groups).toArray();
        var grouped = new Grouped(w.name(), "zeros", Grouping.of(4, cols, GROUP, DType.F16).ordered(groupOf, groups), ZEROS, w.rows());
        return grouped.with(GroupedBlocks.of(grouped).orElseThrow());
    }

    @Override
    public void close() {
        like.close();
    }
}
