package io.jllm.cuda;

import io.jllm.model.FamilyContract;
import io.jllm.spi.Backend;
import org.junit.jupiter.api.BeforeEach;

/** A family that is not known here, on the device. */
class CudaFamilyTest extends FamilyContract {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    @Override
    protected Backend open(int threads) {
        return OnDevice.shared();
    }
}
