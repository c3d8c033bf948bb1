package io.jllm.cuda;

import io.jllm.model.ProgramContract;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;

/** Whole models of each family on the device. */
class CudaProgramTest extends ProgramContract {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected Backend open(int threads) {
        return OnDevice.shared();
    }

    /** From 17 tokens on, F16 meets activations of 11 bits. */
    @Override
    protected double tolerance(DType format) {
        return format == DType.F16 ? 2e-3 : super.tolerance(format);
    }

    @Override
    protected List<DType> exactFormats() {
        return List.of(DType.F32, DType.F16);
    }
}
