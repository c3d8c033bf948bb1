package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Graph;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.memory.StepSize;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Decode steps as graphs, one for each bucket of sizes, made when it is first needed. */
public final class GraphCache implements AutoCloseable {
    /** Above this, launching kernels one by one costs little beside running them. */
    public static final int MOST_SEQUENCES = 256;
    /**
     * A sequence of more positions that is alone is done as the first of few: attention in a chain, by some warps of each block, then takes longer
     * than all that the chain spares. On an H200 that begins at about 500 positions with 32 heads of keys and values, and at 900 with fewer.
     */
    static final int LONG = 768;
    /** Stands for the bucket of such a sequence. */
    private static final int LONG_ALONE = 0;
    private static final int SMALL_STEP = 8;
    private static final int LARGE_STEP = 32;
    private static final int SMALL = 64;

    private final Owner owner = new Owner();
    private final Map<Integer, Graph> graphs = new HashMap<>();
    private final Supplier<List<CompiledOp>> one;
    private final Supplier<List<CompiledOp>> few;
    private final Supplier<List<CompiledOp>> many;
    private final int mostFew;
    private final int limit;

    /**
     * @param one ops for one sequence
     * @param few ops for a few
     * @param many ops for more
     * @param mostFew how many a few are
     * @param limit most sequences that there is room for
     */
    public GraphCache(Supplier<List<CompiledOp>> one, Supplier<List<CompiledOp>> few, Supplier<List<CompiledOp>> many, int mostFew, int limit) {
        this.one = one;
        this.few = few;
        this.many = many;
        this.mostFew = mostFew;
        this.limit = limit;
    }

    /** The ops of a bucket, in which the longest sequence has so many positions. */
    public List<CompiledOp> ops(int bucket, int positions) {
        if (key(bucket, positions) == LONG_ALONE) {
            return few.get();
        }
        return (bucket == 1 ? one : bucket <= mostFew ? few : many).get();
    }

    /** The bucket of so many sequences: exact while every row costs something, then in steps. */
    public int bucket(int sequences) {
        if (sequences <= SMALL_STEP) {
            return sequences;
        }
        int step = sequences <= SMALL ? SMALL_STEP : LARGE_STEP;
        return Math.min(limit, Math.ceilDiv(sequences, step) * step);
    }

    private static int key(int bucket, int positions) {
        return bucket == 1 && positions > LONG ? LONG_ALONE : bucket;
    }

    /** Queues the step of a bucket, in which the longest sequence has so many positions. */
    public void launch(int bucket, int positions, Stream stream) {
        int key = key(bucket, positions);
        Graph graph = graphs.get(key);
        if (graph == null) {
            StepSize size = StepSize.decode(bucket);
            graph = owner.own(Graph.capture(stream, () -> ops(bucket, positions).forEach(op -> op.launch(stream, size))));
            graphs.put(key, graph);
        }
        graph.launch(stream);
    }

    @Override
    public void close() {
        owner.close();
    }
}
