package io.jllm.cpu;

import io.jllm.LlmBuilder;
import io.jllm.adapter.AdapterContract;
import io.jllm.adapter.SharedAdapters;
import io.jllm.cpu.tier.Tiers;
import io.jllm.spi.ActivationType;
import org.junit.jupiter.api.Nested;

/** Adapters in every tier. */
class AdapterTest {
    private static LlmBuilder on(LlmBuilder load, String kernels) {
        Tiers.assumeHere(kernels);
        return load.backend("cpu").kernels(kernels).activations(ActivationType.FLOAT).threads(2);
    }

    private abstract static class Tier extends AdapterContract {
        private final String kernels;

        Tier(String kernels) {
            this.kernels = kernels;
        }

        @Override
        protected LlmBuilder on(LlmBuilder load) {
            return AdapterTest.on(load, kernels);
        }
    }

    @Nested
    class Scalar extends Tier {
        Scalar() {
            super("scalar");
        }
    }

    @Nested
    class Vector extends Tier {
        Vector() {
            super("vector");
        }
    }

    @Nested
    class Avx2 extends Tier {
        Avx2() {
            super("avx2");
        }
    }

    @Nested
    class Avx512 extends Tier {
        Avx512() {
            super("avx512");
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
