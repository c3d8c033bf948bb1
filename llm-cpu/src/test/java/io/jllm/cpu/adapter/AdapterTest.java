package io.jllm.cpu.adapter;

import io.jllm.LlmBuilder;
import io.jllm.adapter.AdapterContract;
import io.jllm.cpu.tier.EveryTier;
import io.jllm.cpu.tier.Tiers;
import io.jllm.spi.ActivationType;
import org.junit.jupiter.params.Parameter;

/** Adapters in every tier. */
@EveryTier
class AdapterTest extends AdapterContract {
    @Parameter
    String kernels;

    @Override
    protected LlmBuilder on(LlmBuilder load) {
        Tiers.assumeHere(kernels);
        return load.backend("cpu").kernels(kernels).activations(ActivationType.FLOAT).threads(2);
    }
}
