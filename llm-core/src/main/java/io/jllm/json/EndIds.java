package io.jllm.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The tokens that end a generation, as a model folder names them. What is no token of the model is left out with a warning. */
public final class EndIds {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private EndIds() {
    }

    /**
     * Those of {@code generation_config.json}, or, where it names none, of {@code config.json}.
     *
     * @param vocab how many tokens the model has
     */
    public static Set<Integer> of(Optional<ConfigJson> generation, ConfigJson config, int vocab) {
        var ids = generation.map(g -> ids(g, vocab)).orElse(Set.of());
        return ids.isEmpty() ? ids(config, vocab) : ids;
    }

    private static Set<Integer> ids(ConfigJson json, int vocab) {
        var ids = new HashSet<Integer>();
        var value = json.value("eos_token_id");
        for (JsonElement e : value.map(v -> v instanceof JsonArray a ? a.asList() : List.of(v)).orElse(List.of())) {
            var id = id(e, vocab);
            id.ifPresent(ids::add);
            if (id.isEmpty()) {
                LOG.log(System.Logger.Level.WARNING, json.name("eos_token_id") + " is " + value.get() + ", of which " + e
                        + " is ignored: the tokens of this model are 0 to " + (vocab - 1));
            }
        }
        return Set.copyOf(ids);
    }

    private static Optional<Integer> id(JsonElement e, int vocab) {
        try {
            double id = e instanceof JsonPrimitive p && p.isNumber() ? p.getAsDouble() : -1;
            return id >= 0 && id < vocab && id == Math.rint(id) ? Optional.of((int) id) : Optional.empty();
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }
}
