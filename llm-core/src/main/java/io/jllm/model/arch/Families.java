package io.jllm.model.arch;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.arch.experts.DeepseekV2;
import io.jllm.model.arch.experts.DeepseekV3;
import io.jllm.model.arch.experts.Glm4Moe;
import io.jllm.model.arch.experts.GptOss;
import io.jllm.model.arch.experts.GraniteMoe;
import io.jllm.model.arch.experts.Llama4;
import io.jllm.model.arch.experts.Mixtral;
import io.jllm.model.arch.experts.Olmoe;
import io.jllm.model.arch.experts.PhiMoe;
import io.jllm.model.arch.experts.Qwen2Moe;
import io.jllm.model.arch.experts.Qwen3Moe;
import io.jllm.model.arch.gemma.Gemma;
import io.jllm.model.arch.gemma.Gemma2;
import io.jllm.model.arch.gemma.Gemma3;
import io.jllm.model.arch.llama.Cohere;
import io.jllm.model.arch.llama.Cohere2;
import io.jllm.model.arch.llama.Ernie4_5;
import io.jllm.model.arch.llama.Exaone4;
import io.jllm.model.arch.llama.Glm;
import io.jllm.model.arch.llama.Glm4;
import io.jllm.model.arch.llama.Granite;
import io.jllm.model.arch.llama.HunyuanDense;
import io.jllm.model.arch.llama.Llama;
import io.jllm.model.arch.llama.Ministral3;
import io.jllm.model.arch.llama.Mistral;
import io.jllm.model.arch.llama.Olmo;
import io.jllm.model.arch.llama.Olmo2;
import io.jllm.model.arch.llama.Olmo3;
import io.jllm.model.arch.llama.Phi3;
import io.jllm.model.arch.llama.Qwen2;
import io.jllm.model.arch.llama.Qwen3;
import io.jllm.model.arch.llama.SeedOss;
import io.jllm.model.arch.llama.SmolLm3;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The model families that are known: to add one, write its class and name it here. An application may add others. */
public final class Families {
    private static final List<Architecture> ALL = List.of(
            new Llama(),
            new Mistral(),
            new Qwen2(),
            new Qwen3(),
            new SeedOss(),
            new SmolLm3(),
            new Ernie4_5(),
            new Gemma(),
            new Gemma2(),
            new Gemma3(),
            new Phi3(),
            new Olmo(),
            new Olmo2(),
            new Olmo3(),
            new Cohere(),
            new Cohere2(),
            new Glm(),
            new Glm4(),
            new Granite(),
            new Exaone4(),
            new HunyuanDense(),
            new Ministral3(),
            new Mixtral(),
            new Qwen2Moe(),
            new Qwen3Moe(),
            new Olmoe(),
            new PhiMoe(),
            new GraniteMoe(),
            new Glm4Moe(),
            new GptOss(),
            new Llama4(),
            new DeepseekV2(),
            new DeepseekV3());

    private Families() {
    }

    /** All of them. */
    public static List<Architecture> all() {
        return ALL;
    }

    /** All of them behind others, which count before them. */
    public static List<Architecture> with(List<Architecture> others) {
        return Stream.concat(others.stream(), ALL.stream()).toList();
    }

    /**
     * The family of a name, as {@code model_type} has it: the first of some.
     *
     * @throws ModelLoadException if it is none of them; the message lists them
     */
    public static Architecture named(List<Architecture> families, String name) {
        return first(families, a -> a.isNamed(name)).orElseThrow(() -> unknown(families, name));
    }

    /**
     * The family of a name, as {@code general.architecture} has it: the first of some whose name it is, or else the first whose files say so.
     *
     * @throws ModelLoadException if it is none of them; the message lists them
     */
    public static Architecture ofGguf(List<Architecture> families, String name) {
        return first(families, a -> a.name().equals(name)).or(() -> first(families, a -> a.ggufName().equals(name)))
                .orElseGet(() -> named(families, name));
    }

    private static ModelLoadException unknown(List<Architecture> families, String name) {
        String reason = Recurrent.is(name) ? "the model family \"" + name + "\" keeps a recurrent state, which is not supported"
                : "unknown model family \"" + name + "\"";
        return new ModelLoadException(reason + "; supported are " + families.stream().map(Architecture::name).collect(Collectors.joining(", ")));
    }

    private static Optional<Architecture> first(List<Architecture> families, Predicate<Architecture> wanted) {
        return families.stream().filter(wanted).findFirst();
    }
}
