package io.jllm.jinja.library;

import io.jllm.jinja.value.Comparison;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Generator;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Meter;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Filters that compare: by a value itself or by an attribute, and unless told otherwise whatever the case of letters. */
final class OrderFilters {
    private OrderFilters() {
    }

    static void addTo(Map<String, Builtin> table) {
        Builtin.add(table, "sort", (v, a) -> {
            List<Value> items = Kinds.copyOfItems(v, a.meter());
            sort(items, keys(a), a.flag("reverse"), a.meter());
            return new ListValue(items);
        }, "reverse", "case_sensitive", "attribute");
        Builtin.add(table, "dictsort", OrderFilters::dictSort, "case_sensitive", "by", "reverse");
        Builtin.add(table, "unique", (v, a) -> {
            UnaryOperator<Value> key = key(a);
            Set<Value> seen = new HashSet<>();
            List<Value> unique = new ArrayList<>();
            for (Value item : Kinds.items(v, a.meter())) {
                if (seen.add(Dict.canonical(key.apply(item), 0))) {
                    unique.add(item);
                }
            }
            return new Generator(unique);
        }, "case_sensitive", "attribute");
        Builtin.add(table, "min", (v, a) -> best(v, a, "<", -1), "case_sensitive", "attribute");
        Builtin.add(table, "max", (v, a) -> best(v, a, ">", 1), "case_sensitive", "attribute");
        Builtin.add(table, "groupby", OrderFilters::groupBy, "attribute", "default", "case_sensitive");
    }

    /** What a value is compared by. */
    private static UnaryOperator<Value> key(Bound a) {
        Optional<Value> attribute = a.some("attribute");
        UnaryOperator<Value> letters = letters(a);
        return attribute.isEmpty() ? letters : item -> letters.apply(Lookup.path(item, attribute.get()));
    }

    /** The same for several attributes with commas between them. */
    private static UnaryOperator<Value> keys(Bound a) {
        if (!(a.some("attribute").orElse(null) instanceof Str names) || names.text().indexOf(',') < 0) {
            return key(a);
        }
        List<Value> attributes = List.of(names.text().split(",", -1)).stream().map(n -> (Value) Str.trusted(n)).toList();
        UnaryOperator<Value> letters = letters(a);
        return item -> new ListValue(attributes.stream().map(n -> letters.apply(Lookup.path(item, n))).toList());
    }

    private static UnaryOperator<Value> letters(Bound a) {
        return a.flag("case_sensitive") ? v -> v : v -> v instanceof Str s ? Texts.lower(s, a.meter()) : v;
    }

    /** A value, and what it is sorted by. */
    private record Keyed(Value key, Value value) {
    }

    private static void sort(List<Value> items, UnaryOperator<Value> key, boolean reverse, Meter meter) {
        List<Keyed> keyed = new ArrayList<>(items.size());
        items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
        Comparator<Keyed> order = (x, y) -> Comparison.compare(x.key, y.key, "<", meter);
        try {
            keyed.sort(reverse ? Collections.reverseOrder(order) : order);
        } catch (IllegalArgumentException e) { // is said of an order that contradicts itself, as that of "not a number" does
            throw new JinjaException("the values have no order");
        }
        for (int i = 0; i < keyed.size(); i++) {
            items.set(i, keyed.get(i).value);
        }
    }

    private static Value dictSort(Value value, Bound a) {
        if (value instanceof Undefined u) {
            throw u.error();
        }
        if (!(value instanceof Dict d)) {
            throw new JinjaException("dictsort needs a mapping, not one of type " + Kinds.name(value));
        }
        int part = switch (a.string("by").map(Str::text).orElse("key")) {
            case "key" -> 0;
            case "value" -> 1;
            default -> throw new JinjaException("dictsort sorts by \"key\" or by \"value\"");
        };
        List<Value> items = d.items();
        a.meter().steps(items.size());
        UnaryOperator<Value> letters = letters(a);
        sort(items, item -> letters.apply(((TupleValue) item).items().get(part)), a.flag("reverse"), a.meter());
        return new ListValue(items);
    }

    private static Value best(Value value, Bound a, String operator, int sign) {
        UnaryOperator<Value> key = key(a);
        Value best = new Undefined("No aggregated item, sequence was empty.");
        Value bestKey = best;
        boolean first = true;
        for (Value item : Kinds.items(value, a.meter())) {
            Value itemKey = key.apply(item);
            if (first || Comparison.compare(itemKey, bestKey, operator, a.meter()) * sign > 0) {
                best = item;
                bestKey = itemKey;
            }
            first = false;
        }
        return best;
    }

    private static Value groupBy(Value value, Bound a) {
        Value attribute = a.required("attribute");
        Optional<Value> otherwise = a.some("default");
        UnaryOperator<Value> real = item -> otherwise.isPresent() ? Lookup.path(item, attribute, otherwise.get()) : Lookup.path(item, attribute);
        UnaryOperator<Value> letters = letters(a);
        List<Value> items = Kinds.copyOfItems(value, a.meter());
        sort(items, item -> letters.apply(real.apply(item)), false, a.meter());
        List<Value> groups = new ArrayList<>();
        List<Value> group = new ArrayList<>();
        Value key = null;
        for (Value item : items) {
            Value itemKey = letters.apply(real.apply(item));
            if (key == null || !Comparison.equal(key, itemKey, a.meter())) {
                group = new ArrayList<>();
                groups.add(new TupleValue(List.of(real.apply(item), new ListValue(group)), List.of("grouper", "list")));
                key = itemKey;
            }
            group.add(item);
        }
        return new ListValue(groups);
    }
}
