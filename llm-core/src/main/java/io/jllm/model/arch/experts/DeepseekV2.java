package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.ExpertOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Experts;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * DeepSeek 2, and Lite: latent attention, experts by softmax, of all or of a few groups. Its GGUF files and those of DeepSeek 3 have one name,
 * and say how experts are scored. Source: DeepSeek-AI, DeepSeek-V2, 2024.
 */
public final class DeepseekV2 implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(102_400, 4096, 11_008, 32, 32, OptionalInt.empty(), OptionalInt.empty(), 2048);
    /** Transformers does not ask {@code norm_topk_prob} of this family. */
    private static final Key NORMALISED = Key.flag(Experts.NORMALISED.gguf());
    private static final String BY_GROUPS = "group_limited_greedy";

    @Override
    public String name() {
        return "deepseek_v2";
    }

    @Override
    public String ggufName() {
        return "deepseek2";
    }

    @Override
    public Model read(Keys keys) {
        keys.oneOf(DeepseekModel.SCORING, "softmax");
        boolean grouped = keys.oneOf(DeepseekModel.METHOD, "greedy", BY_GROUPS).equals(BY_GROUPS) || !keys.knows(DeepseekModel.METHOD);
        int count = Experts.count(keys, 64);
        int used = keys.integer(Experts.USED.atMost(count));
        var softmax = new ExpertOp.Scoring.Softmax();
        var scoring = Experts.scoring(keys, softmax, softmax);
        int best = scoring instanceof ExpertOp.Scoring.Sigmoid ? 2 : 1; // a GGUF file of DeepSeek 3
        var groups = grouped ? Experts.groups(keys, count, used, 1, 1, best) : Optional.<ExpertOp.Groups>empty();
        var experts = new Experts(count, used, keys.integer(Experts.FFN, 1407), keys.flag(NORMALISED, false, false))
                .routed(scoring, groups, (float) keys.real(Experts.SCALE, 1, 1));
        return DeepseekModel.read(best == 2 ? "deepseek_v3" : name(), keys, UNSAID, experts, 0, 2, true, true);
    }
}
