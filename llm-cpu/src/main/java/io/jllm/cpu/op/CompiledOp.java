package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.spi.StepBatch;

/** One op, compiled: a loop of independent iterations, which the threads share. */
public interface CompiledOp {
    /** Nothing at all. */
    CompiledOp NOTHING = new CompiledOp() {
        @Override
        public int tasks(StepBatch batch) {
            return 0;
        }

        @Override
        public void run(StepBatch batch, int task, Workspace ws) {
            throw new IllegalArgumentException("there is no iteration " + task);
        }

        @Override
        public void warmUp(StepBatch batch, Workspace ws) {
            // there is nothing
        }
    };

    /** Iterations for a batch. */
    int tasks(StepBatch batch);

    /** Runs one iteration. Whatever the threads do, the result is the same to the last bit. */
    void run(StepBatch batch, int task, Workspace ws);

    /** What people call it. */
    default String name() {
        return getClass().getSimpleName();
    }

    /** Bytes of weights that it reads once for a batch; 0 for ops without, or where that depends on the data. */
    default long weightBytes() {
        return 0;
    }

    /** Does a little of everything that {@link #run} does, for the compiler to see. */
    default void warmUp(StepBatch batch, Workspace ws) {
        int last = tasks(batch) - 1;
        run(batch, 0, ws);
        if (last > 0) {
            run(batch, last, ws); // which may be smaller
        }
    }
}
