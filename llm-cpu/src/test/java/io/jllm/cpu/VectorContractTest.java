package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import org.junit.jupiter.api.Test;

/** The contract with vector kernels, in the width that this JVM was started for: the build runs it once for each. */
class VectorContractTest extends CpuContract {
    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "vector", 0), 0);
    }

    @Override
    protected boolean quantises(DType type) {
        return meetsBytes(type);
    }

    @Test
    void theWidthIsTheOneThatWasAskedFor() {
        int most = Integer.getInteger("jllm.test.vectorBits", Integer.MAX_VALUE);
        try (Backend backend = open(1)) {
            int bits = Integer.parseInt(backend.describe().replaceAll(".*vector kernels of (\\d+) bits.*", "$1"));
            assertTrue(bits >= 128 && bits <= most, backend.describe());
        }
    }
}
