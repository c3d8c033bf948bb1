package io.jllm.cuda;

import io.jllm.LLM;
import io.jllm.model.FamilyOracles;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;

/** All families on the device, whose keys and values are halves. */
class CudaFamilyOraclesTest extends FamilyOracles {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected LLM open(Path model) {
        return LLM.load(model).backend("cuda").open();
    }

    @Override
    protected double tolerance() {
        return 1e-2;
    }

    @Override
    protected double margin() {
        return 0.02;
    }
}
