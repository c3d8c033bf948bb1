package io.jllm.server.model;

import io.jllm.server.http.ApiError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What names stand for: models, other names for them, and adapters of theirs. Guarded by the {@link Models} that it is of. */
final class Names {
    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final Map<String, String> aliases;

    /** What one stands for. */
    record Meant(Slot slot, Optional<String> adapter) {
    }

    Names(List<ModelSource> sources, Map<String, String> aliases) {
        this.aliases = new TreeMap<>(aliases);
        for (ModelSource source : sources) {
            if (slots.putIfAbsent(source.name(), new Slot(source)) != null) {
                throw new IllegalArgumentException("two models have the name " + source.name());
            }
        }
        if (slots.isEmpty()) {
            throw new IllegalArgumentException("there is no model to serve: give one at least");
        }
        aliases.forEach((alias, name) -> {
            if (!slots.containsKey(name)) {
                throw new IllegalArgumentException("the name " + alias + " is for the model " + name + ", which is not served; those that are: "
                        + String.join(", ", slots.keySet()));
            }
            if (slots.containsKey(alias)) {
                throw new IllegalArgumentException("the name " + alias + " is for the model " + name + ", and is a model itself");
            }
        });
        var adapters = new HashSet<String>();
        for (ModelSource source : sources) {
            for (String name : source.adapters().keySet()) {
                if (slots.containsKey(name) || aliases.containsKey(name) || !adapters.add(name)) {
                    throw new IllegalArgumentException("the adapter " + name + " of " + source.name() + " has a name that something else has, too");
                }
            }
        }
    }

    /** The models, in their order. */
    Collection<Slot> slots() {
        return slots.values();
    }

    /** Whether so many models as may be loaded at once are so, or are being loaded. */
    boolean isFull(int most) {
        return slots.values().stream().filter(Slot::takesRoom).count() >= most;
    }

    /** All names: models, others for them, and adapters. */
    List<Models.Info> list() {
        var infos = new ArrayList<Models.Info>();
        slots.forEach((name, slot) -> infos.add(new Models.Info(name, name, Optional.empty(), slot.llm)));
        aliases.forEach((alias, name) -> infos.add(new Models.Info(alias, name, Optional.empty(), slots.get(name).llm)));
        slots.forEach((name, slot) -> slot.adapterNames().forEach(adapter -> infos.add(new Models.Info(adapter,
                Optional.ofNullable(slot.adapters.get(adapter)).map(Path::toString).orElse(adapter), Optional.of(name), slot.llm))));
        return infos;
    }

    /**
     * What a name stands for; without one it is the first model.
     *
     * @throws ApiError if it stands for nothing
     */
    Meant meant(Optional<String> name) {
        if (name.isEmpty()) {
            return new Meant(slots.values().iterator().next(), Optional.empty());
        }
        Slot model = slots.get(aliases.getOrDefault(name.get(), name.get()));
        return model != null ? new Meant(model, Optional.empty())
                : slots.values().stream().filter(s -> s.adapterNames().contains(name.get())).findFirst().map(s -> new Meant(s, name))
                        .orElseThrow(() -> ApiError.noModel("there is no model \"" + name.get() + "\" here; there are: "
                                + String.join(", ", list().stream().map(Models.Info::name).toList())));
    }
}
