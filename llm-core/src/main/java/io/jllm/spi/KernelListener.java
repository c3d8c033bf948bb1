package io.jllm.spi;

import java.util.List;
import java.util.OptionalDouble;

/**
 * Is told how long the kernels of each forward pass took. Passes are slower with one: a backend then runs kernel after kernel, and waits for the
 * last. Times are those of kernels alone, so their sum is not what a pass takes otherwise.
 */
@FunctionalInterface
public interface KernelListener {
    /**
     * A model has been loaded.
     *
     * @param memoryBandwidth bytes a second at which the device's memory can be read, as its maker states; empty if that is not known
     */
    default void loaded(OptionalDouble memoryBandwidth) {
    }

    /**
     * A pass is over.
     *
     * @param batch what it computed, to be read during the call only
     * @param kernels how long each kernel took, one entry a name, in the order in which they first ran
     */
    void passed(StepBatch batch, List<KernelTime> kernels);
}
