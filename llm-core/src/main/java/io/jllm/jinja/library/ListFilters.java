package io.jllm.jinja.library;

import io.jllm.jinja.value.Arithmetic;
import io.jllm.jinja.value.Dict;
import io.jllm.jinja.value.Generator;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Subscripts;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Filters of lists, and of all else that can be gone through. */
final class ListFilters {
    private static final int MAX_PARTS = 100_000;

    private ListFilters() {
    }

    static void addTo(Map<String, Builtin> table) {
        for (String name : List.of("length", "count")) {
            Builtin.add(table, name, (v, _) -> new Int(Kinds.length(v)));
        }
        for (String name : List.of("default", "d")) {
            Builtin.add(table, name, (v, a) -> v instanceof Undefined || a.flag("boolean") && !Kinds.truth(v)
                    ? a.get("default_value").orElse(Str.trusted("")) : v, "default_value", "boolean");
        }
        Builtin.add(table, "list", (v, a) -> new ListValue(Kinds.copyOfItems(v, a.meter())));
        Builtin.add(table, "items", (v, _) -> new Generator(switch (v) {
            case Dict d -> d.items();
            case Undefined _ -> List.of();
            default -> throw new JinjaException("items: a mapping has pairs, not one of type " + Kinds.name(v));
        }));
        Builtin.add(table, "first", (v, a) -> v instanceof Generator g ? g.next() : end(v, a, true));
        Builtin.add(table, "last", (v, a) -> end(v, a, false));
        Builtin.add(table, "reverse", ListFilters::reverse);
        Builtin.add(table, "join", (v, a) -> {
            List<Value> items = Kinds.items(v, a.meter());
            Optional<Value> attribute = a.some("attribute");
            Str separator = a.text("d").orElse(Str.trusted(""));
            return Texts.join(separator, attribute.isEmpty() ? items : items.stream().map(i -> Lookup.path(i, attribute.get())).toList(), a.meter());
        }, "d", "attribute");
        Builtin.add(table, "sum", (v, a) -> {
            Value sum = a.get("start").orElse(new Int(0));
            for (Value item : Kinds.items(v, a.meter())) {
                Value term = a.some("attribute").isPresent() ? Lookup.path(item, a.required("attribute")) : item;
                sum = Arithmetic.apply(Arithmetic.Operator.ADD, sum, term, a.meter());
            }
            return sum;
        }, "attribute", "start");
        Builtin.add(table, "batch", ListFilters::batch, "linecount", "fill_with");
        Builtin.add(table, "slice", ListFilters::slice, "slices", "fill_with");
        Builtin.add(table, "attr", (v, a) -> v instanceof Undefined u ? u
                : Lookup.own(v, a.text("name").orElse(Str.trusted("")).text()).orElseGet(() -> new Undefined("no such attribute")), "name");
    }

    private static Value end(Value value, Bound a, boolean first) {
        if (!first && value instanceof Generator) {
            throw new JinjaException("last: a generator cannot be gone through from its end; use |list before");
        }
        int size = Kinds.isIterable(value) ? Kinds.length(value) : 0;
        if (size > 0 && !(value instanceof Dict)) {
            Optional<Value> item = Subscripts.element(value, new Int(first ? 0 : size - 1));
            if (item.isPresent()) {
                return item.get();
            }
        }
        List<Value> items = Kinds.items(value, a.meter());
        return items.isEmpty() ? new Undefined("No " + (first ? "first" : "last") + " item, sequence was empty.")
                : first ? items.getFirst() : items.getLast();
    }

    private static Value reverse(Value value, Bound a) {
        if (value instanceof Str s) {
            return Subscripts.slice(s, None.NONE, None.NONE, new Int(-1), a.meter());
        }
        List<Value> items = Kinds.copyOfItems(value, a.meter());
        Collections.reverse(items);
        return value instanceof Generator ? new ListValue(items) : new Generator(items);
    }

    private static Value batch(Value value, Bound a) {
        a.required("linecount");
        int size = a.whole("linecount", 0);
        List<Value> batches = new ArrayList<>();
        List<Value> batch = new ArrayList<>();
        for (Value item : Kinds.items(value, a.meter())) {
            if (batch.size() == size && !(batch.isEmpty() && size == 0)) {
                batches.add(new ListValue(batch));
                batch = new ArrayList<>();
            }
            batch.add(item);
        }
        if (!batch.isEmpty()) {
            Optional<Value> fill = a.some("fill_with");
            while (fill.isPresent() && batch.size() < size) {
                a.meter().step();
                batch.add(fill.get());
            }
            batches.add(new ListValue(batch));
        }
        return new Generator(batches);
    }

    private static Value slice(Value value, Bound a) {
        a.required("slices");
        int count = a.whole("slices", 1);
        if (count < 1 || count > MAX_PARTS) {
            throw new JinjaException("slice: slices must be from 1 to " + MAX_PARTS + ", are " + count);
        }
        List<Value> items = Kinds.items(value, a.meter());
        int each = items.size() / count;
        int longer = items.size() % count;
        List<Value> slices = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < count; i++) {
            int end = at + each + (i < longer ? 1 : 0);
            List<Value> slice = new ArrayList<>(items.subList(at, end));
            if (i >= longer) {
                a.some("fill_with").ifPresent(slice::add);
            }
            slices.add(new ListValue(slice));
            at = end;
        }
        a.meter().steps(count);
        return new Generator(slices);
    }
}
