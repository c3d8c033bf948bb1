package io.jllm.cuda;

import io.jllm.LlmBuilder;
import io.jllm.adapter.AdapterContract;
import io.jllm.adapter.SharedAdapters;
import io.jllm.quant.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;

/** Adapters on a device, against peft. Keys and values are floats, so that nothing else is rounded. */
class CudaAdapterTest {
    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    private static LlmBuilder on(LlmBuilder load) {
        return load.backend("cuda").kvType(DType.F32);
    }

    /** On tiny models of floats. */
    @Nested
    class Tiny extends AdapterContract {
        @Override
        protected LlmBuilder on(LlmBuilder load) {
            return CudaAdapterTest.on(load);
        }

        /** Kernels for few rows take sums in another order than those for one. */
        @Override
        protected double neighbourTolerance() {
            return 1e-4;
        }
    }

    /** On models that others made. */
    @Nested
    class Shared extends SharedAdapters {
        @Override
        protected LlmBuilder on(LlmBuilder load) {
            return CudaAdapterTest.on(load);
        }

        /** Activations of more than 16 tokens are rounded to 11 bits. */
        @Override
        protected double tolerance() {
            return 5e-3;
        }

        /** Some packed weights become blocks of 4 bits, which meet activations of 8. */
        @Override
        protected double packedTolerance() {
            return 0.1;
        }
    }
}
