package io.jllm.server.model;

import io.jllm.LLM;
import io.jllm.MemoryReport;
import io.jllm.ModelLoadException;
import io.jllm.server.http.ApiError;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * The models that are served. One that is not loaded is loaded when it is asked for; where that would be more than may be loaded at once, the one
 * that was not used longest goes, unless it is in use or pinned. Safe for all threads.
 */
public final class Models implements AutoCloseable {
    static final int RETRY_SECONDS = 5;

    private final Names names;
    private final Loading loadings;
    private final ReentrantLock oneAdapter = new ReentrantLock();
    private boolean closed;

    /**
     * What is said of a name.
     *
     * @param root the name of the model that is meant: another one for an alias; for an adapter, where it was loaded from, if that is known
     * @param parent the model that an adapter is for
     * @param llm the model, if it is loaded
     */
    public record Info(String name, String root, Optional<String> parent, Optional<LLM> llm) {
        /** Whether it is a model's own name. */
        public boolean isModel() {
            return parent.isEmpty() && name.equals(root);
        }
    }

    /**
     * None is loaded yet.
     *
     * @param sources the first is the one that is meant where a request names none
     * @param aliases other names, each for the name of a source
     * @param loadings how they are loaded
     */
    public Models(List<ModelSource> sources, Map<String, String> aliases, Loading loadings) {
        names = new Names(sources, aliases);
        this.loadings = loadings;
    }

    /**
     * Loads the pinned ones.
     *
     * @throws RuntimeException what one of them cannot be loaded for
     */
    public void loadPinned() {
        for (Slot slot : names.slots()) {
            if (slot.source.pinned()) {
                LLM llm = open(slot);
                synchronized (this) {
                    slot.llm = Optional.of(llm);
                }
            }
        }
    }

    /** All names: models, aliases and adapters. */
    public synchronized List<Info> list() {
        return names.list();
    }

    /**
     * A model for a request, loaded if need be.
     *
     * @param name as the request has it; without one, the first
     * @throws ApiError if there is no such model, it cannot be loaded, or not soon enough
     */
    public Lease lease(Optional<String> name) throws InterruptedException {
        Names.Meant meant = meant(name);
        Slot slot = meant.slot();
        synchronized (this) {
            slot.leases++; // so that it stays once it is loaded
        }
        var released = new AtomicBoolean();
        Runnable release = () -> {
            if (!released.getAndSet(true)) {
                release(slot);
            }
        };
        try {
            return new Lease(slot.name(), meant.adapter(), loaded(slot, System.nanoTime() + loadings.timeout().toNanos()), release);
        } catch (Throwable t) {
            release.run();
            throw t;
        }
    }

    private LLM loaded(Slot slot, long deadline) throws InterruptedException {
        while (true) {
            CompletableFuture<LLM> loading;
            synchronized (this) {
                if (slot.llm.isPresent()) {
                    slot.lastUse = System.nanoTime();
                    return slot.llm.get();
                }
                if (slot.loading.isEmpty() && !closed && names.isFull(loadings.most()) && names.slots().stream().noneMatch(Slot::mayGo)) {
                    awaitRoom(slot, deadline - System.nanoTime());
                    continue;
                }
                loading = slot.loading.orElseGet(() -> load(slot));
            }
            slot.await(loading, deadline - System.nanoTime(), loadings.timeout());
        }
    }

    private synchronized Names.Meant meant(Optional<String> name) {
        return names.meant(name);
    }

    /**
     * Loads an adapter, and its model first if need be; it is loaded again whenever the model is.
     *
     * @param model the model's name; without one, the first
     * @param name by which requests ask for the model with it
     * @throws ApiError if the name is taken, there is no such model, or the adapter cannot be loaded: why
     */
    public void loadAdapter(Optional<String> model, String name, Path path) throws InterruptedException {
        try (Lease lease = lease(model)) {
            if (lease.adapter().isPresent()) {
                throw ApiError.badField("base_model_name", "the adapter " + name + " is for a model, and " + lease.name() + " is an adapter");
            }
            oneAdapter.lockInterruptibly(); // so that no two get one name
            try {
                if (list().stream().anyMatch(i -> i.name().equals(name))) {
                    throw ApiError.badField("lora_name", "the name " + name + " is taken; an adapter of that name has to be unloaded first");
                }
                Slot slot = meant(model).slot();
                slot.add(name, path, lease.llm(), loadings.notices());
                synchronized (this) {
                    slot.adapters.put(name, path);
                }
            } finally {
                oneAdapter.unlock();
            }
        } catch (ModelLoadException | IllegalArgumentException e) {
            throw ApiError.badField("lora_path", e.getMessage());
        }
    }

    /**
     * Forgets an adapter; requests that run with it are answered to their end.
     *
     * @throws ApiError if there is none of that name
     */
    public synchronized void unloadAdapter(String name) {
        Names.Meant meant = meant(Optional.of(name));
        Slot slot = meant.slot();
        if (meant.adapter().isEmpty()) {
            throw ApiError.badField("lora_name", name + " is no adapter, but a model");
        }
        if (slot.loading.isPresent()) {
            throw ApiError.unavailable("the model " + slot.name() + " is being loaded with the adapter " + name + "; try again later", RETRY_SECONDS);
        }
        slot.adapters.remove(name);
        slot.llm.ifPresent(llm -> Slot.forget(name, llm));
        loadings.notices().accept("unloaded the adapter " + name + " of " + slot.name());
    }

    private synchronized void release(Slot slot) {
        slot.leases--;
        slot.lastUse = System.nanoTime();
        notifyAll(); // of those that wait for room
    }

    /** Waits until something has changed. Called with the lock held. */
    private void awaitRoom(Slot slot, long nanos) throws InterruptedException {
        if (nanos <= 0 || names.slots().stream().noneMatch(Slot::mayGoOnce)) {
            throw ApiError.unavailable("the model " + slot.name() + " cannot be loaded now: " + loadings.most()
                    + " may be loaded at once, and so many are pinned or in use", RETRY_SECONDS);
        }
        TimeUnit.NANOSECONDS.timedWait(this, nanos);
    }

    /** Begins to load, where there is room. Called with the lock held. */
    private CompletableFuture<LLM> load(Slot slot) {
        if (closed) {
            throw ApiError.unavailable("the server is stopping", RETRY_SECONDS);
        }
        Optional<LLM> first = names.isFull(loadings.most()) ? takeOldest(_ -> true) : Optional.empty();
        var loading = new CompletableFuture<LLM>();
        slot.loading = Optional.of(loading);
        // Not on the thread of a request: it may be interrupted, which closes files that it reads.
        Thread.ofPlatform().name("jllm-server-load").daemon().start(() -> load(slot, loading, first));
        return loading;
    }

    /** The model of these that was not used longest and may go, to be closed by the caller; nobody gets it from here on. */
    private synchronized Optional<LLM> takeOldest(Predicate<Slot> these) {
        return names.slots().stream().filter(Slot::mayGo).filter(these).min(Comparator.comparingLong(s -> s.lastUse)).map(oldest -> {
            loadings.notices().accept("unloading " + oldest.name() + ", which was not used longest");
            LLM llm = oldest.llm.orElseThrow();
            oldest.llm = Optional.empty();
            return llm;
        });
    }

    private LLM open(Slot slot) {
        try {
            LLM llm = slot.source.opener().open(need -> {
                synchronized (this) {
                    slot.need = Optional.of(need);
                }
                loadings.notices().accept("loading " + slot.name() + ", which " + need);
                makeRoom(need);
            });
            if (slot.source.owned()) {
                loadings.notices().accept("loaded " + slot.name() + ": " + llm.describe());
            }
            Map<String, Path> adapters;
            synchronized (this) {
                adapters = new LinkedHashMap<>(slot.adapters);
            }
            slot.addAll(adapters, llm, loadings.notices());
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
                notifyAll();
            }
            if (late && slot.source.owned()) {
                llm.close();
            }
            loading.complete(llm);
        } catch (Throwable t) {
            synchronized (this) {
                slot.loading = Optional.empty();
                notifyAll();
            }
            loading.completeExceptionally(t);
        }
    }

    /** Closes all that are loaded and owned; the others lose the adapters that were loaded here. */
    @Override
    public void close() {
        var loaded = new LinkedHashMap<Slot, LLM>();
        synchronized (this) {
            closed = true;
            names.slots().forEach(s -> s.llm.ifPresent(llm -> loaded.put(s, llm)));
            names.slots().forEach(s -> s.llm = Optional.empty());
            notifyAll();
        }
        loaded.forEach((slot, llm) -> slot.giveBack(llm, slot.adapters.keySet()));
    }
}
