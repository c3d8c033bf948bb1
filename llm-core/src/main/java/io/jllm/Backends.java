package io.jllm;

import io.jllm.spi.BackendProvider;
import io.jllm.spi.BackendProvider.Probe;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The backends that can be found. The library's own module layer and class loader come first, so that it matters neither on which thread a
 * model is loaded nor what its context class loader sees; that one is asked last, for backends that only the application has. What cannot
 * be used is left out, and said where nothing else can run.
 */
final class Backends {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** Ours, for jars that were merged from several in such a way that one service file has replaced another. */
    private static final List<String> OURS = List.of("io.jllm.cuda.CudaBackendProvider", "io.jllm.cpu.CpuBackendProvider");
    /** A search ends after so many failures: one that cannot even read the service files fails again and again. */
    private static final int MOST_FAILURES = 100;

    private final ClassLoader own;
    /** By the names of their classes: of several copies the first counts. */
    private final Map<String, BackendProvider> found = new LinkedHashMap<>();
    private final Set<String> leftOut = new LinkedHashSet<>();

    private Backends(ClassLoader own) {
        this.own = own;
    }

    /** The one of that name, or the best that can run here. */
    static BackendProvider choose(Optional<String> name) {
        var backends = new Backends(Backends.class.getClassLoader());
        backends.search();
        return backends.best(name);
    }

    private void search() {
        Optional.ofNullable(Backends.class.getModule().getLayer())
                .ifPresent(layer -> add("the library's module layer", () -> ServiceLoader.load(layer, BackendProvider.class)));
        add("the library's class loader", () -> ServiceLoader.load(BackendProvider.class, own));
        OURS.stream().filter(name -> !found.containsKey(name)).forEach(this::addOurs);
        add("the thread's class loader", () -> ServiceLoader.load(BackendProvider.class));
    }

    private void add(String where, Supplier<ServiceLoader<BackendProvider>> services) {
        Optional<Iterator<ServiceLoader.Provider<BackendProvider>>> all = attempt(where, () -> services.get().stream().iterator());
        if (all.isEmpty()) {
            return;
        }
        int failures = 0;
        boolean more = true;
        while (more && failures < MOST_FAILURES) {
            // Whether there is another one is not known before it was found or was not: an empty result is one that failed.
            Optional<Boolean> next = attempt(where, () -> {
                boolean has = all.get().hasNext();
                if (has) {
                    ServiceLoader.Provider<BackendProvider> provider = all.get().next();
                    if (!found.containsKey(provider.type().getName())) {
                        found.put(provider.type().getName(), provider.get());
                    }
                }
                return has;
            });
            failures += next.isEmpty() ? 1 : 0;
            more = next.orElse(true);
        }
    }

    private void addOurs(String name) {
        Class<?> type;
        try {
            type = Class.forName(name, false, own);
        } catch (ClassNotFoundException e) {
            return; // the application does without it
        } catch (LinkageError e) {
            leaveOut(name, e);
            return;
        }
        attempt(name, () -> type.asSubclass(BackendProvider.class).getConstructor().newInstance()).ifPresent(p -> found.put(name, p));
    }

    private BackendProvider best(Optional<String> name) {
        var names = new LinkedHashSet<String>();
        var reasons = new ArrayList<String>();
        Optional<BackendProvider> best = Optional.empty();
        int bestScore = Integer.MIN_VALUE;
        for (Map.Entry<String, BackendProvider> entry : found.entrySet()) {
            BackendProvider p = entry.getValue();
            Optional<String> itsName = attempt(entry.getKey(), p::name);
            itsName.ifPresent(names::add);
            if (itsName.isEmpty() || !name.orElse(itsName.get()).equals(itsName.get())) {
                continue;
            }
            switch (probe(p)) {
                case Probe.Available a -> {
                    if (best.isEmpty() || a.score() > bestScore) {
                        best = Optional.of(p);
                        bestScore = a.score();
                    }
                }
                case Probe.Unavailable u -> reasons.add(itsName.get() + ": " + u.reason());
            }
        }
        return best.orElseThrow(() -> none(name, names, reasons));
    }

    /** What it says, or that it cannot even say that. */
    private static Probe probe(BackendProvider p) {
        try {
            return Objects.requireNonNullElseGet(p.probe(), () -> new Probe.Unavailable("it does not say whether it can"));
        } catch (OutOfMemoryError | StackOverflowError e) {
            throw e;
        } catch (Throwable t) {
            LOG.log(System.Logger.Level.DEBUG, "leaving out a backend: " + p.getClass().getName(), t);
            return new Probe.Unavailable(t.toString());
        }
    }

    private ModelLoadException none(Optional<String> name, Collection<String> names, List<String> reasons) {
        String others = leftOut.isEmpty() ? "" : "; what was found and cannot be used: " + String.join("; ", leftOut);
        if (!reasons.isEmpty()) {
            return new ModelLoadException("no backend can run here; " + String.join("; ", reasons) + others);
        }
        if (name.isPresent() && !names.isEmpty()) {
            return new ModelLoadException("there is no backend " + name.get() + "; found: " + String.join(", ", names) + others);
        }
        return new ModelLoadException("no backend was found; add the dependency io.jllm:llm-cpu" + others);
    }

    /** What may throw. */
    private interface Attempt<T> {
        T make() throws Exception;
    }

    /** What another's code gives; empty if that fails, whatever that throws. */
    private <T> Optional<T> attempt(String what, Attempt<T> attempt) {
        try {
            return Optional.of(attempt.make());
        } catch (OutOfMemoryError | StackOverflowError e) {
            throw e; // says nothing about that code
        } catch (Throwable t) {
            leaveOut(what, t);
            return Optional.empty();
        }
    }

    private void leaveOut(String what, Throwable t) {
        Throwable cause = t instanceof ReflectiveOperationException && t.getCause() != null ? t.getCause() : t;
        String reason = cause instanceof ServiceConfigurationError
                ? String.valueOf(cause.getMessage()).replace(BackendProvider.class.getName() + ": ", "") : what + ": " + cause;
        if (cause instanceof ServiceConfigurationError && cause.getCause() != null) {
            reason += " (" + cause.getCause() + ")";
        }
        leftOut.add(reason);
        LOG.log(System.Logger.Level.DEBUG, "leaving out a backend: " + reason, t);
    }
}
