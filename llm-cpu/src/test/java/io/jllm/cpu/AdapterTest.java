package io.jllm.cpu;

import io.jllm.LlmBuilder;
import io.jllm.adapter.AdapterContract;
import io.jllm.adapter.SharedAdapters;
import io.jllm.cpu.tier.EveryTier;
import io.jllm.cpu.tier.Tiers;
import io.jllm.spi.ActivationType;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.Parameter;

/** Adapters on the CPU. */
class AdapterTest {
    private static LlmBuilder on(LlmBuilder load, String kernels) {
        return load.backend("cpu").kernels(kernels).activations(ActivationType.FLOAT).threads(2);
    }

    @Nested
    @EveryTier
    class Contract extends AdapterContract {
        @Parameter
        private String kernels;

        @Override
        protected LlmBuilder on(LlmBuilder load) {
            Tiers.assumeHere(kernels);
            return AdapterTest.on(load, kernels);
        }
    }

    /** On models that others made. */
    @Nested
    class Shared extends SharedAdapters {
        @Override
        protected LlmBuilder on(LlmBuilder load) {
            return AdapterTest.on(load, "auto");
        }
    }
}
