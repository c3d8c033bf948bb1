package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Generator;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Filters that apply others, or tests, to each item. */
final class SelectFilters {
    private SelectFilters() {
    }

    static void addTo(Map<String, Builtin> table) {
        Builtin.addOfAll(table, "map", SelectFilters::map);
        Builtin.addOfAll(table, "select", (v, a) -> select(v, a, true, false));
        Builtin.addOfAll(table, "reject", (v, a) -> select(v, a, false, false));
        Builtin.addOfAll(table, "selectattr", (v, a) -> select(v, a, true, true));
        Builtin.addOfAll(table, "rejectattr", (v, a) -> select(v, a, false, true));
    }

    private static Value map(Value value, Bound a) {
        Arguments passed = a.passed();
        List<Value> mapped = new ArrayList<>();
        if (passed.positional().isEmpty() && passed.named().containsKey("attribute")) {
            if (!Set.of("attribute", "default").containsAll(passed.named().keySet())) {
                throw new JinjaException("map takes attribute and default, or the name of a filter and its arguments");
            }
            Value attribute = passed.named().get("attribute");
            Value otherwise = passed.named().getOrDefault("default", None.NONE);
            for (Value item : Kinds.items(value, a.meter())) {
                mapped.add(otherwise == None.NONE ? Lookup.path(item, attribute) : Lookup.path(item, attribute, otherwise));
            }
            return new Generator(mapped);
        }
        String filter = name(passed, 0, "map needs the name of a filter, or attribute=");
        Arguments rest = passed.from(1);
        for (Value item : Kinds.items(value, a.meter())) {
            mapped.add(Filters.apply(filter, item, rest));
        }
        return new Generator(mapped);
    }

    private static String name(Arguments passed, int at, String otherwise) {
        if (at < passed.positional().size() && passed.positional().get(at) instanceof Str s) {
            return s.text();
        }
        throw new JinjaException(otherwise);
    }

    private static Value select(Value value, Bound a, boolean wanted, boolean byAttribute) {
        Arguments passed = a.passed();
        if (byAttribute && passed.positional().isEmpty()) {
            throw new JinjaException("the name of an attribute is missing");
        }
        int first = byAttribute ? 1 : 0;
        boolean tested = passed.positional().size() > first;
        String test = tested ? name(passed, first, "the name of a test must be a string") : "";
        Arguments rest = passed.from(first + 1);
        List<Value> selected = new ArrayList<>();
        for (Value item : Kinds.items(value, a.meter())) {
            Value asked = byAttribute ? Lookup.path(item, passed.positional().getFirst()) : item;
            if ((tested ? Tests.holds(test, asked, rest) : Kinds.truth(asked)) == wanted) {
                selected.add(item);
            }
        }
        return new Generator(selected);
    }
}
