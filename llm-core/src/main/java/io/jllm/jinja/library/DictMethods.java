package io.jllm.jinja.library;

import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.DictView;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The methods of dictionaries. */
final class DictMethods {
    static final Map<String, Builtin> TABLE = new HashMap<>();

    /** A method of a dictionary. */
    @FunctionalInterface
    private interface OfDict {
        Value apply(Dict self, Bound arguments);
    }

    static {
        add("keys", (d, _) -> new DictView(d, DictView.Kind.KEYS));
        add("values", (d, _) -> new DictView(d, DictView.Kind.VALUES));
        add("items", (d, _) -> new DictView(d, DictView.Kind.ITEMS));
        add("get", (d, a) -> d.get(a.required("key")).or(() -> a.get("default")).orElse(None.NONE), "key", "default");
        add("copy", (d, a) -> {
            a.meter().steps(d.size());
            return d.copy();
        });
        add("pop", (d, a) -> d.remove(a.required("key")).or(() -> a.get("default"))
                .orElseThrow(() -> new JinjaException("pop(): there is no such key, and no default is given")), "key", "default");
        add("setdefault", (d, a) -> d.get(a.required("key")).orElseGet(() -> {
            Value value = a.get("default").orElse(None.NONE);
            d.put(a.required("key"), value);
            return value;
        }), "key", "default");
        add("clear", (d, _) -> {
            d.clear();
            return None.NONE;
        });
        Builtin.addOfAll(TABLE, "update", (d, a) -> {
            a.passed().positional().forEach(more -> update((Dict) d, more, a.meter()));
            a.passed().named().forEach((name, value) -> ((Dict) d).put(Str.trusted(name), value));
            return None.NONE;
        });
    }

    private DictMethods() {
    }

    private static void add(String name, OfDict body, String... parameters) {
        Builtin.add(TABLE, name, (self, arguments) -> body.apply((Dict) self, arguments), parameters);
    }

    /** Puts the entries of another dictionary, or pairs of keys and values, into one. */
    static void update(Dict dict, Value more, Meter meter) {
        if (more instanceof Dict other) {
            meter.steps(other.size());
            other.entries().forEach(e -> dict.put(e.key(), e.value()));
            return;
        }
        for (Value pair : Kinds.copyOfItems(more, meter)) {
            List<Value> parts = Kinds.items(pair, meter);
            if (parts.size() != 2) {
                throw new JinjaException("a dict is made of pairs of keys and values, not of " + parts.size() + " values together");
            }
            dict.put(parts.getFirst(), parts.getLast());
        }
    }
}
