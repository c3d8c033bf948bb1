package io.jllm.cpu.folder;

import io.jllm.LLM;
import io.jllm.cpu.tier.EveryTier;
import io.jllm.cpu.tier.Tiers;
import io.jllm.model.PackedFolders;
import io.jllm.spi.ActivationType;
import java.nio.file.Path;
import org.junit.jupiter.params.Parameter;

/** All packed folders in every tier, with activations as they are. */
@EveryTier
class PackedFoldersTest extends PackedFolders {
    @Parameter
    String kernels;

    @Override
    protected LLM open(Path model) {
        Tiers.assumeHere(kernels);
        return LLM.load(model).backend("cpu").kernels(kernels).activations(ActivationType.FLOAT).open();
    }
}
