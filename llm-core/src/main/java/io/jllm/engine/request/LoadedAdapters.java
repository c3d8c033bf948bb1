package io.jllm.engine.request;

import io.jllm.ModelLoadException;
import io.jllm.adapter.Adapters;
import io.jllm.adapter.file.AdapterFiles;
import io.jllm.engine.sequence.ChosenAdapter;
import io.jllm.engine.step.EngineLoop;
import io.jllm.load.LoadedModel;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;

/** The adapters of one engine by name: files are read on the callers' threads, the engine's gives them to the runner. */
public final class LoadedAdapters implements Adapters {
    private final LoadedModel model;
    private final EngineLoop loop;
    private final Map<String, ChosenAdapter> byName = new LinkedHashMap<>();
    private final BitSet numbers = new BitSet();
    private long lastId;

    /** None yet. */
    public LoadedAdapters(LoadedModel model, EngineLoop loop) {
        this.model = model;
        this.loop = loop;
        numbers.set(0); // stands for none
    }

    @Override
    public void load(String name, Path path) {
        loop.checkOpen();
        loop.checkMayWait("loading an adapter");
        ChosenAdapter adapter = reserve(name);
        boolean done = false;
        try (AdapterFiles.Opened opened = AdapterFiles.open(path, model)) {
            loop.adapters().load(adapter, opened.adapter()).join();
            done = true;
        } catch (CompletionException e) {
            throw switch (e.getCause()) {
                case UnsupportedOperationException u -> new ModelLoadException("cannot load the adapter " + path + ": " + u.getMessage(), u);
                case IllegalArgumentException i -> new ModelLoadException("cannot load the adapter " + path + ": " + i.getMessage(), i);
                case RuntimeException r -> r;
                case Error error -> throw error;
                case null, default -> e;
            };
        } finally {
            settle(adapter, done);
        }
    }

    /** A number for it; nobody finds it yet. */
    private synchronized ChosenAdapter reserve(String name) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("the name of an adapter must not be empty");
        }
        if (byName.containsKey(name)) {
            throw new IllegalArgumentException("there is an adapter \"" + name + "\" already: unload it first, or choose another name");
        }
        var adapter = new ChosenAdapter(numbers.nextClearBit(0), ++lastId, name);
        numbers.set(adapter.number());
        return adapter;
    }

    /** Of two of one name that are loaded at the same time, the second one goes again. */
    private synchronized void settle(ChosenAdapter adapter, boolean loaded) {
        if (!loaded) {
            free(adapter);
        } else if (byName.putIfAbsent(adapter.name(), adapter) != null) {
            loop.adapters().unload(adapter, () -> free(adapter));
            throw new IllegalArgumentException("another adapter \"" + adapter.name() + "\" was loaded meanwhile");
        }
    }

    private synchronized void free(ChosenAdapter adapter) {
        numbers.clear(adapter.number());
    }

    @Override
    public synchronized void unload(String name) {
        loop.checkOpen();
        ChosenAdapter adapter = chosen(name);
        byName.remove(name);
        loop.adapters().unload(adapter, () -> free(adapter));
    }

    @Override
    public synchronized List<String> names() {
        return List.copyOf(byName.keySet());
    }

    /**
     * The adapter of that name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public synchronized ChosenAdapter chosen(String name) {
        ChosenAdapter adapter = byName.get(name);
        if (adapter == null) {
            throw new IllegalArgumentException("there is no adapter \"" + name + "\""
                    + (byName.isEmpty() ? "; none is loaded: load it with LlmBuilder.adapter or LLM.adapters" : "; loaded are " + byName.keySet()));
        }
        return adapter;
    }
}
