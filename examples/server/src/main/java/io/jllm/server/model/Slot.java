package io.jllm.server.model;

import io.jllm.LLM;
import io.jllm.MemoryReport;
import io.jllm.server.http.ApiError;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** A model that is served, as it stands: guarded by the {@link Models} that it is one of, but for its source. */
final class Slot {
    final ModelSource source;
    /** With these it is loaded, each time. */
    final Map<String, Path> adapters;
    Optional<LLM> llm = Optional.empty();
    Optional<CompletableFuture<LLM>> loading = Optional.empty();
    Optional<MemoryReport.Forecast> need = Optional.empty();
    int leases; // of requests that wait for it, too
    long lastUse;

    Slot(ModelSource source) {
        this.source = source;
        adapters = new LinkedHashMap<>(source.adapters());
    }

    String name() {
        return source.name();
    }

    boolean takesRoom() {
        return llm.isPresent() || loading.isPresent();
    }

    boolean mayGo() {
        return llm.isPresent() && leases == 0 && source.owned() && !source.pinned();
    }

    /** Whether it may go when nobody uses it any more. */
    boolean mayGoOnce() {
        return takesRoom() && source.owned() && !source.pinned();
    }

    /**
     * Waits for it to be loaded. Not to be called with the models' lock.
     *
     * @param nanos what is left of the time
     * @param all the time that there was
     * @throws ApiError if it cannot be loaded, or not in that time
     */
    void await(CompletableFuture<LLM> loaded, long nanos, Duration all) throws InterruptedException {
        try {
            loaded.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
        } catch (TimeoutException _) {
            throw ApiError.unavailable("the model " + name() + " is still being loaded after " + all.toSeconds()
                    + " s, as long as a request waits for it; try again later", Models.RETRY_SECONDS);
        } catch (ExecutionException e) {
            throw ApiError.failed("the model " + name() + " cannot be loaded: " + e.getCause().getMessage());
        }
    }

    /** The names of its adapters: of those that it is loaded with, and of others that whoever opened it has loaded. */
    Set<String> adapterNames() {
        var names = new LinkedHashSet<>(adapters.keySet());
        llm.ifPresent(l -> names.addAll(l.adapters().names()));
        return names;
    }

    /** Loads adapters into a model that was opened for this, and gives the model back where one cannot be loaded. */
    void addAll(Map<String, Path> all, LLM opened, Consumer<String> notices) {
        var loaded = new ArrayList<String>();
        try {
            all.forEach((name, path) -> {
                add(name, path, opened, notices);
                loaded.add(name);
            });
        } catch (RuntimeException e) {
            giveBack(opened, loaded);
            throw e;
        }
    }

    /** Loads an adapter into the model. Not to be called with the models' lock: it takes time. */
    void add(String adapter, Path path, LLM to, Consumer<String> notices) {
        to.adapters().load(adapter, path);
        notices.accept("loaded the adapter " + adapter + " of " + name() + " from " + path);
    }

    /** Closes the model if it is owned, and else takes from it the adapters that were loaded here. */
    void giveBack(LLM from, Collection<String> loadedHere) {
        if (source.owned()) {
            from.close();
            return;
        }
        try {
            loadedHere.forEach(name -> forget(name, from));
        } catch (IllegalStateException _) {
            // its owner has closed it
        }
    }

    /** Unloads an adapter from the model, unless its owner has done so. */
    static void forget(String adapter, LLM of) {
        if (of.adapters().names().contains(adapter)) {
            of.adapters().unload(adapter);
        }
    }
}
