package io.jllm.cuda;

import io.jllm.LLM;
import io.jllm.model.SwitchContract;
import io.jllm.quant.DType;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;

/** Switches of families on the device. */
class CudaSwitchTest extends SwitchContract {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("cuda").kvType(DType.F32).open();
    }

    @Override
    protected double tolerance() {
        return 1e-2;
    }
}
