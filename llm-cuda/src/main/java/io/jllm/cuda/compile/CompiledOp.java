package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Stream;
import io.jllm.cuda.memory.StepSize;

/** Something compiled from one or several ops: kernels with their arguments laid out. */
public interface CompiledOp {
    /** Queues its kernels for a step of that size. */
    void launch(Stream stream, StepSize size);
}
