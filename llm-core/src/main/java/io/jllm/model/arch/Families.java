package io.jllm.model.arch;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import io.jllm.model.arch.gpt.Bloom;
import io.jllm.model.arch.gpt.Falcon;
import io.jllm.model.arch.gpt.Gpt2;
import io.jllm.model.arch.gpt.GptBigCode;
import io.jllm.model.arch.gpt.GptJ;
import io.jllm.model.arch.gpt.GptNeoX;
import io.jllm.model.arch.gpt.Mpt;
import io.jllm.model.arch.gpt.Nemotron;
import io.jllm.model.arch.gpt.Opt;
import io.jllm.model.arch.gpt.Phi;
import io.jllm.model.arch.gpt.StableLm;
import io.jllm.model.arch.gpt.StarCoder2;
import io.jllm.model.arch.llama.Baichuan;
import io.jllm.model.arch.llama.ChatGlm;
import io.jllm.model.arch.llama.Ernie4_5;
import io.jllm.model.arch.llama.InternLm2;
import io.jllm.model.arch.llama.Llama;
import io.jllm.model.arch.llama.Mistral;
import io.jllm.model.arch.llama.Qwen;
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
            new Qwen(),
            new InternLm2(),
            new Baichuan(),
            new ChatGlm(),
            new Gpt2(),
            new GptBigCode(),
            new GptNeoX(),
            new GptJ(),
            new Falcon(),
            new Bloom(),
            new Mpt(),
            new Opt(),
            new Phi(),
            new StarCoder2(),
            new StableLm(),
            new Nemotron());

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
        return first(families, a -> a.name().equals(name) || a.aliases().contains(name))
                .orElseThrow(() -> new ModelLoadException("unknown model family \"" + name
                + "\"; supported are " + families.stream().map(Architecture::name).collect(Collectors.joining(", "))));
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

    private static Optional<Architecture> first(List<Architecture> families, Predicate<Architecture> wanted) {
        return families.stream().filter(wanted).findFirst();
    }
}
