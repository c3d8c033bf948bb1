package io.jllm.cpu;

import io.jllm.model.ProgramContract;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import java.util.List;

/** Models of every family with vector kernels. */
class VectorProgramTest extends ProgramContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "vector", 0), 0);
    }

    @Override
    protected List<DType> exactFormats() {
        return List.of(DType.F32, DType.F16);
    }
}
