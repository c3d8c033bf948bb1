package io.jllm.spark;

import io.jllm.LLM;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The engine of this JVM, which all tasks of an executor share, so that their rows join one batch. Opened by {@link JllmPlugin}; one that
 * broke is opened anew for the next task that asks.
 */
final class ExecutorEngine {
    private static Optional<ExecutorEngine> here = Optional.empty(); // guarded by the class

    private final Supplier<LLM> opening;
    private Optional<LLM> llm;

    private ExecutorEngine(Supplier<LLM> opening) {
        this.opening = opening;
        llm = Optional.of(opening.get());
    }

    /**
     * Opens the engine of this JVM.
     *
     * @throws IllegalStateException if there is one
     */
    static synchronized void open(Supplier<LLM> opening) {
        if (here.isPresent()) {
            throw new IllegalStateException("this JVM has an engine of jLLM already; end the other Spark application first");
        }
        here = Optional.of(new ExecutorEngine(opening));
    }

    /**
     * The engine of this JVM.
     *
     * @throws IllegalStateException if the plugin was not loaded
     */
    static synchronized LLM get() {
        ExecutorEngine engine = here.orElseThrow(() -> new IllegalStateException("the executor has no engine: start the application with --conf "
                + "spark.plugins=" + JllmPlugin.class.getName() + " --conf " + EngineSettings.PREFIX + EngineSettings.MODEL + "=..."));
        if (engine.llm.isEmpty()) {
            engine.llm = Optional.of(engine.opening.get());
        }
        return engine.llm.get();
    }

    /** The engine, if there is one that was not found broken. */
    static synchronized Optional<LLM> current() {
        return here.flatMap(e -> e.llm);
    }

    /** Gives an engine up if it is closed, as one that broke is. */
    static void replaceIfClosed(LLM llm) {
        try {
            llm.generateAsync(List.of()); // begins nothing
        } catch (IllegalStateException _) {
            synchronized (ExecutorEngine.class) {
                here.filter(e -> e.llm.filter(l -> l == llm).isPresent()).ifPresent(e -> e.llm = Optional.empty());
            }
            llm.close(); // waits until its memory is given back
        }
    }

    /** Closes the engine of this JVM, if there is one. */
    static void close() {
        Optional<LLM> open;
        synchronized (ExecutorEngine.class) {
            open = current();
            here = Optional.empty();
        }
        open.ifPresent(LLM::close);
    }
}
