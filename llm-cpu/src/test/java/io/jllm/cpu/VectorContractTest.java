package io.jllm.cpu;

import io.jllm.spi.Backend;
import io.jllm.spi.BackendContract;
import io.jllm.spi.BackendProvider.BackendOptions;

/** The contract with vector kernels, in the width that this JVM was started for. */
class VectorContractTest extends BackendContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "vector", 0), 0);
    }
}
