package io.jllm.cpu;

import io.jllm.LLM;
import io.jllm.cpu.tier.Tiers;
import io.jllm.model.FamilyOracles;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;

/** All families in every tier. */
class FamilyOraclesTest {
    private abstract static class Tier extends FamilyOracles {
        private final String kernels;

        Tier(String kernels) {
            this.kernels = kernels;
        }

        @Override
        protected LLM open(Path model) {
            Tiers.assumeHere(kernels);
            return LLM.load(model).backend("cpu").kernels(kernels).open();
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
}
