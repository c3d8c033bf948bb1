package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Graph;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.memory.StepSize;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Decode steps as graphs, one for each bucket of sizes, made when it is first needed. */
public final class GraphCache implements AutoCloseable {
    /** Above this, launching kernels one by one costs little beside running them. */
    public static final int MOST_SEQUENCES = 256;
    private static final int SMALL_STEP = 8;
    private static final int LARGE_STEP = 32;
    private static final int SMALL = 64;

    private final Owner owner = new Owner();
    private final Map<Integer, Graph> graphs = new HashMap<>();
    private final List<CompiledOp> one;
    private final List<CompiledOp> few;
    private final List<CompiledOp> any;
    private final List<CompiledOp> many;
    private final int limit;

    /**
     * @param one ops for one sequence
     * @param few ops for at most {@link ProductKernels#MOST_FEW} sequences
     * @param any ops for more
     * @param many ops for more than {@link TensorKernels#MOST_FEWER}
     * @param limit most sequences that there is room for
     */
    public GraphCache(List<CompiledOp> one, List<CompiledOp> few, List<CompiledOp> any, List<CompiledOp> many, int limit) {
        this.one = one;
        this.few = few;
        this.any = any;
        this.many = many;
        this.limit = limit;
    }

    /** The ops of a bucket. */
    public List<CompiledOp> ops(int bucket) {
        return bucket == 1 ? one : bucket <= ProductKernels.MOST_FEW ? few : bucket <= TensorKernels.MOST_FEWER ? any : many;
    }

    /** The bucket of so many sequences: exact while every row costs something, then in steps. */
    public int bucket(int sequences) {
        if (sequences <= SMALL_STEP) {
            return sequences;
        }
        int step = sequences <= SMALL ? SMALL_STEP : LARGE_STEP;
        return Math.min(limit, Math.ceilDiv(sequences, step) * step);
    }

    /** Queues the step of a bucket. */
    public void launch(int bucket, Stream stream) {
        Graph graph = graphs.get(bucket);
        if (graph == null) {
            StepSize size = StepSize.decode(bucket);
            graph = owner.own(Graph.capture(stream, () -> ops(bucket).forEach(op -> op.launch(stream, size))));
            graphs.put(bucket, graph);
        }
        graph.launch(stream);
    }

    @Override
    public void close() {
        owner.close();
    }
}
