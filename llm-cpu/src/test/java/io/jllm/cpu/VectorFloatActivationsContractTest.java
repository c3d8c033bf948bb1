package io.jllm.cpu;

import io.jllm.spi.ActivationType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;

/** The contract with vectors, and activations that are floats for all weights. */
class VectorFloatActivationsContractTest extends CpuContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "vector", 0).withActivations(ActivationType.FLOAT), 0);
    }
}
