package io.jllm.model.arch;

import io.jllm.ModelLoadException;
import io.jllm.model.Architecture;
import java.util.List;
import java.util.stream.Collectors;

/** The model families that are known: to add one, write its class and name it here. */
public final class Families {
    private static final List<Architecture> ALL = List.of(new Llama(), new Mistral(), new Qwen2(), new Qwen3());

    private Families() {
    }

    /** All of them. */
    public static List<Architecture> all() {
        return ALL;
    }

    /**
     * The family of a name, as {@code model_type} or {@code general.architecture} has it.
     *
     * @throws ModelLoadException if it is unknown; the message lists those that are known
     */
    public static Architecture of(String name) {
        return ALL.stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow(() -> new ModelLoadException(
                "unknown model family \"" + name + "\"; supported are " + ALL.stream().map(Architecture::name).collect(Collectors.joining(", "))));
    }
}
