package io.jllm.cpu;

import io.jllm.spi.ActivationType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;

/** The contract with the best kernels here, but activations that are floats for all weights. */
class FloatActivationsContractTest extends CpuContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "auto", 0).withActivations(ActivationType.FLOAT), 0);
    }
}
