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

    /** Where experts are nearly tied, one that is chosen in another's place changes all that follows. */
    @Override
    protected int percentSame() {
        return 60;
    }

    /** Device memory comes in pages of some megabytes, which hold more than all that these tests ask. */
    @Override
    protected boolean smallPools() {
        return false;
    }
}
