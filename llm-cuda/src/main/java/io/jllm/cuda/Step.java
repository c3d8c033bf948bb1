package io.jllm.cuda;

import io.jllm.cuda.driver.Stream;

/** Something compiled from one or several ops: kernels with their arguments laid out. */
interface Step {
    /** Queues its kernels for a step of that size. */
    void launch(Stream stream, StepSize size);
}
