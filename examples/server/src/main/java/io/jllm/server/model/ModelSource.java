package io.jllm.server.model;

import io.jllm.LLM;
import io.jllm.MemoryReport;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A model that is served.
 *
 * @param name by which clients ask for it
 * @param opener opens it; called again each time it was unloaded
 * @param owned whether it is closed when the server stops, or room is needed
 * @param pinned whether it stays once it is loaded
 */
public record ModelSource(String name, Opener opener, boolean owned, boolean pinned) {
    public ModelSource {
        Objects.requireNonNull(opener, "opener");
        if (name.isBlank()) {
            throw new IllegalArgumentException("the name of a model is blank");
        }
    }

    /** The same, which stays once it is loaded. */
    public ModelSource pin() {
        return new ModelSource(name, opener, owned, true);
    }

    /** Opens a model. */
    @FunctionalInterface
    public interface Opener {
        /** @param beforeLoading is told what it will take, if that is known, before it takes it */
        LLM open(Consumer<MemoryReport.Forecast> beforeLoading);
    }
}
