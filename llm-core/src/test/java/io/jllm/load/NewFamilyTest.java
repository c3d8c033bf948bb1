package io.jllm.load;

import io.jllm.model.FamilyContract;
import io.jllm.spi.Backend;
import io.jllm.spi.ReferenceBackend;

/** A family that is not known here, on the oracle. */
class NewFamilyTest extends FamilyContract {
    @Override
    protected Backend open(int threads) {
        return new ReferenceBackend();
    }
}
