package io.jllm.cuda;

import io.jllm.LlmBuilder;
import io.jllm.model.EmbeddingContract;
import io.jllm.quant.DType;
import org.junit.jupiter.api.BeforeEach;

/** Vectors of texts on the device. */
class CudaEmbeddingTest extends EmbeddingContract {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("cuda").kvType(DType.F32);
    }

    /** Few rows are summed in another order than many. */
    @Override
    protected double apart() {
        return 1e-4;
    }
}
