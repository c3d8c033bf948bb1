package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.kernels.ChainKernels;
import io.jllm.cuda.memory.StepSize;

/**
 * A chain of tasks for one row.
 *
 * @param chain of them
 */
record ChainOp(ChainKernels.Chain chain) implements CompiledOp {
    @Override
    public void launch(Stream stream, StepSize size) {
        chain.run(stream);
    }
}
