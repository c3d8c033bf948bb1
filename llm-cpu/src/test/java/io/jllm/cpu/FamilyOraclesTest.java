package io.jllm.cpu;

import io.jllm.LLM;
import io.jllm.cpu.tier.EveryTier;
import io.jllm.cpu.tier.Tiers;
import io.jllm.model.FamilyOracles;
import java.nio.file.Path;
import org.junit.jupiter.params.Parameter;

/** All families in every tier. */
@EveryTier
class FamilyOraclesTest extends FamilyOracles {
    @Parameter
    private String kernels;

    @Override
    protected LLM open(Path model) {
        Tiers.assumeHere(kernels);
        return LLM.load(model).backend("cpu").kernels(kernels).open();
    }
}
