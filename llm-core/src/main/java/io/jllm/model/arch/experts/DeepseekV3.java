package io.jllm.model.arch.experts;

import io.jllm.model.Architecture;
import io.jllm.model.ExpertOp;
import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.Experts;
import java.util.OptionalInt;

/** DeepSeek 3 and R1: as {@link DeepseekV2}, with experts by sigmoids and a bias, of a few groups. Source: DeepSeek-AI, DeepSeek-V3, 2024. */
public final class DeepseekV3 implements Architecture {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(129_280, 7168, 18_432, 61, 128, OptionalInt.of(128), OptionalInt.empty(), 4096);
    private static final Key PAIRED = Key.flag("", "rope_interleave");

    @Override
    public String name() {
        return "deepseek_v3";
    }

    @Override
    public String ggufName() {
        return "deepseek2";
    }

    @Override
    public Model read(Keys keys) {
        keys.oneOf(DeepseekModel.SCORING, "sigmoid");
        keys.oneOf(DeepseekModel.METHOD, "noaux_tc");
        int count = Experts.count(keys, 256);
        int used = Experts.used(keys, count, 8);
        var sigmoid = new ExpertOp.Scoring.Sigmoid();
        var experts = new Experts(count, used, keys.integer(Experts.FFN, 2048), keys.flag(Experts.NORMALISED, true, false))
                .routed(Experts.scoring(keys, sigmoid, sigmoid), Experts.groups(keys, count, used, 8, 4, 2),
                        (float) keys.real(Experts.SCALE, 2.5, 1));
        return DeepseekModel.read(name(), keys, UNSAID, experts, 3, 1, keys.flag(PAIRED).orElse(true), false);
    }
}
