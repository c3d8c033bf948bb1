package io.jllm.cpu.folder;

import io.jllm.LLM;
import io.jllm.cpu.tier.Tiers;
import io.jllm.model.PackedFolders;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * LLM.int8() by every tier that rounds activations, against bitsandbytes' own logits: large inputs by floats, others by bytes. Where the largest of
 * a row is near the threshold, the last bits of an activation decide of how all others of it are rounded; without the rule, results
 * differ from these by 0.07.
 */
class OutliersTest {
    @ParameterizedTest
    @CsvSource({"vector, bnb-int8", "vector, bnb-int8-thr", "avx2, bnb-int8", "avx2, bnb-int8-thr", "avx512, bnb-int8", "avx512, bnb-int8-thr"})
    void asBitsAndBytes(String tier, String folder) throws Exception {
        Tiers.assumeHere(tier);
        PackedFolders.checkOutliers(folder, model -> LLM.load(model).backend("cpu").kernels(tier).open(), 0.05);
    }
}
