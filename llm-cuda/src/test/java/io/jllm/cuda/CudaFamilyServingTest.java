package io.jllm.cuda;

import io.jllm.LlmBuilder;
import io.jllm.model.FamilyServing;
import io.jllm.quant.DType;
import org.junit.jupiter.api.BeforeEach;

/** What an engine promises, for every family on the device: but for near ties, since few rows are summed in another order than many. */
class CudaFamilyServingTest extends FamilyServing {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected LlmBuilder on(LlmBuilder builder) {
        return builder.backend("cuda").kvType(DType.F32);
    }

    @Override
    protected int percentSame() {
        return 80;
    }
}
