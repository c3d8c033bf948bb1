package io.jllm;

import io.jllm.adapter.Adapters;
import io.jllm.adapter.file.AdapterFiles;
import io.jllm.engine.EngineOptions;
import io.jllm.engine.LoadedLlm;
import io.jllm.load.Background;
import io.jllm.load.LoadFailure;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.model.Architecture;
import io.jllm.quant.DType;
import io.jllm.spi.ActivationType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.KernelListener;
import io.jllm.spi.TimedBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** Settings for loading a model; {@link #open} loads it. Every setting has a default that suits most. For one thread. */
public final class LlmBuilder {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    private final Path model;
    private Optional<String> backend = Optional.empty();
    private int threads;
    private String kernels = "auto";
    private ActivationType activations = BackendOptions.DEFAULT.activations();
    private OptionalInt maxContext = OptionalInt.empty();
    private int maxSequences = EngineOptions.DEFAULT.maxSequences();
    private OptionalInt maxTokensPerStep = EngineOptions.DEFAULT.maxTokensPerStep();
    private int maxQueuedRequests = EngineOptions.DEFAULT.maxQueuedRequests();
    private int blockSize = EngineOptions.DEFAULT.blockSize();
    private long kvBytes = EngineOptions.DEFAULT.kvBytes();
    private Optional<DType> kvType = EngineOptions.DEFAULT.kvType();
    private int device = BackendOptions.DEFAULT.device();
    private double gpuMemoryFraction = BackendOptions.DEFAULT.memoryFraction();
    private boolean prefixCache = EngineOptions.DEFAULT.prefixCache();
    private final List<Architecture> families = new ArrayList<>();
    private Optional<KernelListener> kernelListener = Optional.empty();
    private final List<EngineListener> listeners = new ArrayList<>();
    private Consumer<MemoryReport.Forecast> beforeLoading = _ -> { };
    private final Map<String, Path> adapters = new LinkedHashMap<>();
    private final List<Path> mergedAdapters = new ArrayList<>();

    LlmBuilder(Path model) {
        this.model = model;
    }

    /** The backend by name; default the best that is available. */
    public LlmBuilder backend(String name) {
        backend = Optional.of(name);
        return this;
    }

    /** Threads that compute, at least 1; default one for each physical core. */
    public LlmBuilder threads(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("threads must be at least 1, was " + count);
        }
        threads = count;
        return this;
    }

    /** A backend's name for a set of kernels; default {@code auto}. */
    public LlmBuilder kernels(String name) {
        kernels = name;
        return this;
    }

    /**
     * What quantised weights are multiplied by; default {@link ActivationType#AUTO}: activations of 8 bits where the backend has kernels for
     * them, which is fastest. {@link ActivationType#FLOAT} is for those who want what the weights say to the last digits.
     */
    public LlmBuilder activations(ActivationType type) {
        activations = Objects.requireNonNull(type, "type");
        return this;
    }

    /** Most positions of one sequence, at least 2; default and limit: what the model was trained for. */
    public LlmBuilder maxContext(int tokens) {
        maxContext = OptionalInt.of(tokens);
        return this;
    }

    /** Most sequences in a step, 1 to 4096; default 64. */
    public LlmBuilder maxSequences(int count) {
        maxSequences = count;
        return this;
    }

    /**
     * Most tokens in a step, 1 to 65536; default 512, and 2048 on a GPU with much memory. At least one for each sequence is taken. Where nothing is
     * said and a GPU computes, some steps are timed at load, and those in which sequences generate have fewer tokens, 256 at least, if more would
     * take longer than 60 ms and not be worth it.
     */
    public LlmBuilder maxTokensPerStep(int count) {
        maxTokensPerStep = OptionalInt.of(count);
        return this;
    }

    /**
     * Most requests that may wait for a place in the batch, at least 1; default 1024. Beyond it {@code submit}, {@code stream} and the
     * async calls are refused with a {@link RequestRejectedException}; {@code generate} and {@code beamSearch} wait for room.
     */
    public LlmBuilder maxQueuedRequests(int count) {
        maxQueuedRequests = count;
        return this;
    }

    /** Positions a KV block, 1 to 256; default 16. */
    public LlmBuilder blockSize(int positions) {
        blockSize = positions;
        return this;
    }

    /**
     * Limit of the KV cache in bytes; default by memory and need. On a CPU it takes memory as it is used, and keeps it. What the prefix
     * cache keeps of texts that are over adds to that, without a limit, at most 2,048 positions or as many as sequences ever needed at
     * once, whichever is more; the longest unused goes first. A limit may be filled up, so that more texts are found again: set one
     * where many conversations take turns.
     */
    public LlmBuilder kvCache(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("kvCache must be at least 1 byte, was " + bytes);
        }
        kvBytes = bytes;
        return this;
    }

    /** Which of the backend's devices computes, from 0, as the driver counts those that it shows; default 0. A CPU is one. */
    public LlmBuilder device(int index) {
        if (index < 0) {
            throw new IllegalArgumentException("device must be at least 0, was " + index);
        }
        device = index;
        return this;
    }

    /** The part of a GPU's memory that weights, KV cache and buffers may take together, above 0 and at most 1; default 0.9. */
    public LlmBuilder gpuMemoryFraction(double fraction) {
        gpuMemoryFraction = fraction;
        return this;
    }

    /** How keys and values are stored: default F32 on a CPU, F16 on a GPU. */
    public LlmBuilder kvType(DType type) {
        kvType = Optional.of(type);
        return this;
    }

    /** Whether requests that begin alike share what is computed; default true. {@link #kvCache} says how much is kept of those that are over. */
    public LlmBuilder prefixCache(boolean on) {
        prefixCache = on;
        return this;
    }

    /** Adds a model family to those that are known; one of the same name counts in their place. Default none. */
    public LlmBuilder family(Architecture family) {
        families.add(Objects.requireNonNull(family, "family"));
        return this;
    }

    /**
     * Loads an adapter (LoRA) with the model, which requests choose by its name; default none. Any number of them. See {@link Adapters#load} for
     * what the path may be.
     */
    public LlmBuilder adapter(String name, Path path) {
        if (adapters.putIfAbsent(name, path) != null) {
            throw new IllegalArgumentException("there are two adapters \"" + name + "\": " + adapters.get(name) + " and " + path);
        }
        return this;
    }

    /**
     * Merges an adapter into the model's weights, which must be floats, in memory: all requests are computed with it, at the speed of a model
     * without. Several are merged one after the other. Default none.
     */
    public LlmBuilder mergeAdapter(Path path) {
        mergedAdapters.add(Objects.requireNonNull(path, "path"));
        return this;
    }

    /** Adds one that is told what the engine does; default none. */
    public LlmBuilder listener(EngineListener listener) {
        listeners.add(Objects.requireNonNull(listener, "listener"));
        return this;
    }

    /** Has the kernels of every forward pass timed, which makes it slower, and adds one that is told of them on the engine's thread; default none. */
    public LlmBuilder kernelListener(KernelListener listener) {
        kernelListener = Optional.of(listener);
        return this;
    }

    /**
     * Is told what the model will take, and what is free, when its files are open and its weights are not loaded yet, by the thread that loads:
     * to say it, or to make room. What it throws ends the loading. Default nobody.
     */
    public LlmBuilder beforeLoading(Consumer<MemoryReport.Forecast> listener) {
        beforeLoading = Objects.requireNonNull(listener, "listener");
        return this;
    }

    /**
     * Loads the model, on any thread, whatever its context class loader is. A failure leaves nothing behind: the next call begins anew.
     *
     * @throws ModelLoadException if it cannot be loaded, for whatever cause: every reason, and what to do
     * @throws IllegalArgumentException if a setting is out of range
     */
    public LLM open() {
        var failure = new LoadFailure(model);
        try {
            return load();
        } catch (RuntimeException | Error t) {
            throw failure.of(t);
        }
    }

    private LLM load() {
        var options = new EngineOptions(maxContext, maxSequences, maxTokensPerStep, blockSize, kvBytes, kvType, prefixCache,
                maxQueuedRequests);
        List<Architecture> more = List.copyOf(families);
        List<Path> merged = List.copyOf(mergedAdapters);
        // The files are read while the backend finds out what it can do.
        Background<LoadedModel> files = Background.start("jllm-files", () -> merged(ModelFiles.open(model, more), merged));
        Backend opened = opened(files);
        Backend used = kernelListener.<Backend>map(listener -> new TimedBackend(opened, listener)).orElse(opened);
        LoadedModel loaded;
        try {
            loaded = files.join();
        } catch (Throwable t) {
            opened.close();
            throw t;
        }
        try {
            beforeLoading.accept(options.forecast(loaded, opened));
        } catch (Throwable t) {
            try (opened; loaded) {
                throw t;
            }
        }
        LLM llm = new LoadedLlm(loaded, used, options, listeners);
        try {
            adapters.forEach(llm.adapters()::load);
        } catch (Throwable t) {
            llm.close();
            throw t;
        }
        LOG.log(System.Logger.Level.DEBUG, llm::describe);
        return llm;
    }

    private static LoadedModel merged(LoadedModel model, List<Path> adapters) {
        LoadedModel now = model;
        try {
            for (Path path : adapters) {
                now = AdapterFiles.merged(now, path);
            }
            return now;
        } catch (Throwable t) {
            now.close();
            throw t;
        }
    }

    /** The backend; closes what the files give if there is none. */
    private Backend opened(Background<LoadedModel> files) {
        try {
            return Backends.choose(backend).open(new BackendOptions(threads, kernels, device, gpuMemoryFraction, activations));
        } catch (Throwable t) {
            closed(files);
            throw t;
        }
    }

    private static void closed(Background<LoadedModel> files) {
        try {
            files.join().close();
        } catch (RuntimeException | Error _) {
            // The backend's failure is told; that there was another one is not.
        }
    }
}
