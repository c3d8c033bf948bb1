package io.jllm;

import io.jllm.spi.BackendProvider;
import io.jllm.spi.BackendProvider.Probe;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** The backends that stand on the class path or module path. */
final class Backends {
    private Backends() {
    }

    /** The one of that name, or the best that can run here. */
    static BackendProvider choose(Optional<String> name) {
        List<BackendProvider> all = providers();
        if (all.isEmpty()) {
            throw new ModelLoadException("no backend was found; add the dependency io.jllm:llm-cpu");
        }
        if (name.isPresent()) {
            all = all.stream().filter(p -> p.name().equals(name.get())).toList();
            if (all.isEmpty()) {
                throw new ModelLoadException("there is no backend " + name.get() + "; found: "
                        + String.join(", ", providers().stream().map(BackendProvider::name).toList()));
            }
        }
        BackendProvider best = null;
        int bestScore = Integer.MIN_VALUE;
        var reasons = new ArrayList<String>();
        for (BackendProvider p : all) {
            switch (p.probe()) {
                case Probe.Available a -> {
                    if (best == null || a.score() > bestScore) {
                        best = p;
                        bestScore = a.score();
                    }
                }
                case Probe.Unavailable u -> reasons.add(p.name() + ": " + u.reason());
            }
        }
        if (best == null) {
            throw new ModelLoadException("no backend can run here; " + String.join("; ", reasons));
        }
        return best;
    }

    private static List<BackendProvider> providers() {
        var found = ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get).toList();
        // A thread's context class loader may not see what the library's own does, and the other way round.
        return found.isEmpty()
                ? ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).stream().map(ServiceLoader.Provider::get).toList()
                : found;
    }
}
