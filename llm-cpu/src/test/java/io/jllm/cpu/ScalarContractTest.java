package io.jllm.cpu;

import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;

/** The contract with scalar kernels. */
class ScalarContractTest extends CpuContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "scalar", 0), 0);
    }
}
