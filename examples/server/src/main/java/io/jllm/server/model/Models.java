package io.jllm.server.model;

import io.jllm.LLM;
import io.jllm.MemoryReport;
import io.jllm.ModelLoadException;
import io.jllm.server.http.ApiError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The models that are served. One that is not loaded is loaded when it is asked for; where that would be more than may be loaded at once, the one
 * that was not used longest goes, unless it is in use or pinned. Safe for all threads.
 */
public final class Models implements AutoCloseable {
    private static final int RETRY_SECONDS = 5;

    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final Map<String, String> aliases;
    private final Loading loadings;
    private boolean closed;

    /**
     * How models are loaded.
     *
     * @param most models that are loaded at once, at least 1
     * @param timeout how long a request waits for a model to be loaded
     * @param notices is given a sentence for what happens to models
     */
    public record Loading(int most, Duration timeout, Consumer<String> notices) {
    }

    /** Guarded by the models. */
    private static final class Slot {
        private final ModelSource source;
        private Optional<LLM> llm = Optional.empty();
        private Optional<CompletableFuture<LLM>> loading = Optional.empty();
        private Optional<MemoryReport.Forecast> need = Optional.empty();
        private int leases;
        private long lastUse;

        Slot(ModelSource source) {
            this.source = source;
        }

        boolean takesRoom() {
            return llm.isPresent() || loading.isPresent();
        }

        boolean mayGo() {
            return llm.isPresent() && leases == 0 && source.owned() && !source.pinned();
        }
    }

    /**
     * What is said of a model.
     *
     * @param root the name of the model that is meant: another one for an alias
     * @param llm if it is loaded
     */
    public record Info(String name, String root, Optional<LLM> llm) {
    }

    /**
     * None is loaded yet.
     *
     * @param sources the first is the one that is meant where a request names none
     * @param aliases other names, each for the name of a source
     * @param loadings how they are loaded
     */
    public Models(List<ModelSource> sources, Map<String, String> aliases, Loading loadings) {
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
        this.aliases = Map.copyOf(aliases);
        this.loadings = loadings;
    }

    /**
     * Loads the pinned ones.
     *
     * @throws RuntimeException what one of them cannot be loaded for
     */
    public void loadPinned() {
        for (Slot slot : slots.values()) {
            if (slot.source.pinned()) {
                LLM llm = open(slot);
                synchronized (this) {
                    slot.llm = Optional.of(llm);
                }
            }
        }
    }

    /** All names, aliases too. */
    public synchronized List<Info> list() {
        var infos = new ArrayList<Info>();
        slots.forEach((name, slot) -> infos.add(new Info(name, name, slot.llm)));
        aliases.entrySet().stream().sorted(Map.Entry.comparingByKey())
                .forEach(a -> infos.add(new Info(a.getKey(), a.getValue(), slots.get(a.getValue()).llm)));
        return infos;
    }

    /**
     * A model for a request, loaded if need be.
     *
     * @param name as the request has it; without one, the first
     * @throws ApiError if there is no such model, it cannot be loaded, or not soon enough
     */
    public Lease lease(Optional<String> name) throws InterruptedException {
        Slot slot = slot(name);
        long deadline = System.nanoTime() + loadings.timeout.toNanos();
        while (true) {
            CompletableFuture<LLM> loading;
            synchronized (this) {
                if (slot.llm.isPresent()) {
                    slot.leases++;
                    slot.lastUse = System.nanoTime();
                    var released = new AtomicBoolean();
                    return new Lease(slot.source.name(), slot.llm.get(), () -> {
                        if (!released.getAndSet(true)) {
                            release(slot);
                        }
                    });
                }
                loading = slot.loading.orElseGet(() -> load(slot));
            }
            await(slot, loading, deadline - System.nanoTime());
        }
    }

    private synchronized Slot slot(Optional<String> name) {
        if (name.isEmpty()) {
            return slots.values().iterator().next();
        }
        Slot slot = slots.get(aliases.getOrDefault(name.get(), name.get()));
        if (slot == null) {
            throw ApiError.noModel("there is no model \"" + name.get() + "\" here; there are: "
                    + String.join(", ", list().stream().map(Info::name).toList()));
        }
        return slot;
    }

    private synchronized void release(Slot slot) {
        slot.leases--;
        slot.lastUse = System.nanoTime();
    }

    private void await(Slot slot, CompletableFuture<LLM> loading, long nanos) throws InterruptedException {
        try {
            loading.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
        } catch (TimeoutException _) {
            throw ApiError.unavailable("the model " + slot.source.name() + " is still being loaded after " + loadings.timeout.toSeconds()
                    + " s, as long as a request waits for it; try again later", RETRY_SECONDS);
        } catch (ExecutionException e) {
            throw ApiError.failed("the model " + slot.source.name() + " cannot be loaded: " + e.getCause().getMessage());
        }
    }

    /** Begins to load. Called with the lock held. */
    private CompletableFuture<LLM> load(Slot slot) {
        if (closed) {
            throw ApiError.unavailable("the server is stopping", RETRY_SECONDS);
        }
        Optional<LLM> unloaded = Optional.empty();
        if (slots.values().stream().filter(Slot::takesRoom).count() >= loadings.most) {
            unloaded = Optional.of(takeOldest(_ -> true).orElseThrow(() -> ApiError.unavailable("the model " + slot.source.name()
                    + " cannot be loaded now: " + loadings.most + " may be loaded at once, and so many are pinned or in use", RETRY_SECONDS)));
        }
        var loading = new CompletableFuture<LLM>();
        slot.loading = Optional.of(loading);
        Optional<LLM> first = unloaded;
        // Not on the thread of a request: it may be interrupted, which closes files that it reads.
        Thread.ofPlatform().name("jllm-server-load").daemon().start(() -> load(slot, loading, first));
        return loading;
    }

    /** The model of these that was not used longest and may go, to be closed by the caller; nobody gets it from here on. */
    private synchronized Optional<LLM> takeOldest(Predicate<Slot> these) {
        return slots.values().stream().filter(Slot::mayGo).filter(these).min(Comparator.comparingLong(s -> s.lastUse)).map(oldest -> {
            loadings.notices.accept("unloading " + oldest.source.name() + ", which was not used longest");
            LLM llm = oldest.llm.orElseThrow();
            oldest.llm = Optional.empty();
            return llm;
        });
    }

    private LLM open(Slot slot) {
        String name = slot.source.name();
        try {
            LLM llm = slot.source.opener().open(need -> {
                synchronized (this) {
                    slot.need = Optional.of(need);
                }
                loadings.notices.accept("loading " + name + ", which " + need);
                makeRoom(need);
            });
            if (slot.source.owned()) {
                loadings.notices.accept("loaded " + name + ": " + llm.describe());
            }
            return llm;
        } catch (ModelLoadException e) {
            Optional<MemoryReport.Forecast> need;
            synchronized (this) {
                need = slot.need;
            }
            throw need.isEmpty() ? e : new ModelLoadException(e.getMessage() + "; before, it was found that it " + need.get(), e);
        }
    }

    /** Unloads what may go of the same device until there is room, or nothing more may go: then the backend says what is too much. */
    private void makeRoom(MemoryReport.Forecast need) {
        long free = need.free().orElse(Long.MAX_VALUE);
        while (need.bytes() > free) {
            Optional<LLM> oldest = takeOldest(s -> s.need.filter(n -> n.backend().equals(need.backend())).isPresent());
            if (oldest.isEmpty()) {
                return;
            }
            try (LLM llm = oldest.get()) {
                MemoryReport memory = llm.memory();
                free += memory.weights() + memory.kv() + memory.scratch();
            }
        }
    }

    private void load(Slot slot, CompletableFuture<LLM> loading, Optional<LLM> unloaded) {
        try {
            unloaded.ifPresent(LLM::close);
            LLM llm = open(slot);
            boolean late;
            synchronized (this) {
                late = closed;
                slot.loading = Optional.empty();
                slot.llm = late ? Optional.empty() : Optional.of(llm);
                slot.lastUse = System.nanoTime();
            }
            if (late && slot.source.owned()) {
                llm.close();
            }
            loading.complete(llm);
        } catch (Throwable t) {
            synchronized (this) {
                slot.loading = Optional.empty();
            }
            loading.completeExceptionally(t);
        }
    }

    /** Closes all that are loaded and owned. */
    @Override
    public void close() {
        List<LLM> owned;
        synchronized (this) {
            closed = true;
            owned = slots.values().stream().filter(s -> s.source.owned()).flatMap(s -> s.llm.stream()).toList();
            slots.values().forEach(s -> s.llm = Optional.empty());
        }
        owned.forEach(LLM::close);
    }
}
