package io.jllm.grammar.json;

import io.jllm.grammar.regex.Dfa;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What schemas say about strings. For one thread. */
final class Strings {
    private final Map<String, Dfa> patterns = new HashMap<>();
    private final Map<String, Dfa> formats = new HashMap<>();

    /** The strings that patterns, formats and lengths leave; empty if all. */
    Optional<Dfa> language(Facets f) {
        Optional<Dfa> shaped = shaped(f);
        boolean anyLength = f.length().equals(Facets.Range.ANY);
        if (f.length().empty()) {
            return Optional.of(Dfa.literals(java.util.List.of()));
        }
        return anyLength ? shaped
                : Optional.of(shaped.map(d -> d.intersect(lengths(f))).orElseGet(() -> lengths(f)));
    }

    private static Dfa lengths(Facets f) {
        return Dfa.lengths(f.length().least(), f.length().most());
    }

    /** Without the lengths. */
    Optional<Dfa> shaped(Facets f) {
        Optional<Dfa> all = Optional.empty();
        for (Schema s : f.with("pattern")) {
            all = both(all, patterns.computeIfAbsent(s.get("pattern").getAsString(), p -> Members.pattern(s, p)));
        }
        for (Schema s : f.with("format")) {
            String format = s.get("format").getAsString();
            if (!Formats.has(format)) {
                throw s.refused("format \"" + format + "\"", "is not supported; supported are " + Formats.names());
            }
            all = both(all, formats.computeIfAbsent(format, Formats::of));
        }
        return all;
    }

    static Optional<Dfa> both(Optional<Dfa> a, Dfa b) {
        return Optional.of(a.map(d -> d.intersect(b)).orElse(b));
    }
}
