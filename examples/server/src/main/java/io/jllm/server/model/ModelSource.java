package io.jllm.server.model;

import io.jllm.LLM;
import io.jllm.MemoryReport;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A model that is served.
 *
 * @param name by which clients ask for it
 * @param opener opens it; called again each time it was unloaded
 * @param owned whether it is closed when the server stops, or room is needed
 * @param pinned whether it stays once it is loaded
 * @param adapters what is loaded with it, by the names by which clients ask for it with them
 */
public record ModelSource(String name, Opener opener, boolean owned, boolean pinned, Map<String, Path> adapters) {
    public ModelSource {
        adapters = Collections.unmodifiableMap(new LinkedHashMap<>(adapters)); // in their order
        Objects.requireNonNull(opener, "opener");
        if (name.isBlank()) {
            throw new IllegalArgumentException("the name of a model is blank");
        }
    }

    /** The same, which stays once it is loaded. */
    public ModelSource pin() {
        return new ModelSource(name, opener, owned, true, adapters);
    }

    /** The same with these adapters. */
    public ModelSource with(Map<String, Path> others) {
        return new ModelSource(name, opener, owned, pinned, others);
    }

    /** Opens a model. */
    @FunctionalInterface
    public interface Opener {
        /** @param beforeLoading is told what it will take, if that is known, before it takes it */
        LLM open(Consumer<MemoryReport.Forecast> beforeLoading);
    }
}
