package io.jllm.cpu.folder;

import io.jllm.LLM;
import io.jllm.cpu.tier.EveryTier;
import io.jllm.cpu.tier.Tiers;
import io.jllm.model.PackedFolders;
import io.jllm.spi.ActivationType;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.Parameter;

/** All packed folders in every tier, with activations as they are; and by default, where weights in blocks meet bytes. */
class PackedFoldersTest {
    @Nested
    @EveryTier
    class WithFloats extends PackedFolders {
        @Parameter
        private String kernels;

        @Override
        protected LLM open(Path model) {
            Tiers.assumeHere(kernels);
            return LLM.load(model).backend("cpu").kernels(kernels).activations(ActivationType.FLOAT).open();
        }
    }

    /** Models as small as these feel it when activations are rounded to bytes: the libraries' own are off by 6e-2 where they do so. */
    @Nested
    class WithBytes extends PackedFolders {
        @Override
        protected LLM open(Path model) {
            return LLM.load(model).backend("cpu").open();
        }

        @Override
        protected double tolerance() {
            return 0.15;
        }

        @Override
        protected double margin() {
            return 0.2;
        }
    }
}
