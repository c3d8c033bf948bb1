package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A dictionary, in the order in which its keys came. Keys are equal as in Python: 1, 1.0 and True are one key, written as it was first. Not
 * thread-safe.
 */
public final class Dict implements Value {
    /** A key as it is written, and its value. */
    public record Entry(Value key, Value value) {
    }

    private final Map<Value, Entry> entries = new LinkedHashMap<>();

    /** Of these entries. */
    public static Dict of(Map<String, Value> entries) {
        Dict dict = new Dict();
        entries.forEach((key, value) -> dict.put(Str.trusted(key), value));
        return dict;
    }

    /** A copy, of the same values. */
    public Dict copy() {
        Dict dict = new Dict();
        dict.entries.putAll(entries);
        return dict;
    }

    public int size() {
        return entries.size();
    }

    /** @throws JinjaException if the key is of a kind that cannot be one */
    public Optional<Value> get(Value key) {
        Entry entry = entries.get(canonical(key, 0));
        return entry == null ? Optional.empty() : Optional.of(entry.value);
    }

    public void put(Value key, Value value) {
        Value known = canonical(key, 0);
        Entry before = entries.get(known);
        entries.put(known, new Entry(before == null ? key : before.key, value));
    }

    /** Takes an entry out. */
    public Optional<Value> remove(Value key) {
        Entry entry = entries.remove(canonical(key, 0));
        return entry == null ? Optional.empty() : Optional.of(entry.value);
    }

    public void clear() {
        entries.clear();
    }

    /** A copy of the entries, in their order. */
    public List<Entry> entries() {
        return new ArrayList<>(entries.values());
    }

    public List<Value> keys() {
        List<Value> keys = new ArrayList<>(entries.size());
        entries.values().forEach(e -> keys.add(e.key));
        return keys;
    }

    public List<Value> values() {
        List<Value> values = new ArrayList<>(entries.size());
        entries.values().forEach(e -> values.add(e.value));
        return values;
    }

    /** Pairs of keys and values. */
    public List<Value> items() {
        List<Value> items = new ArrayList<>(entries.size());
        entries.values().forEach(e -> items.add(TupleValue.of(e.key, e.value)));
        return items;
    }

    /** Nested tuples can share their parts, and take exponential time to walk. */
    private static final int MAX_KEY_DEPTH = 8;

    /** What stands for all keys that are equal. */
    public static Value canonical(Value key, int depth) {
        return switch (key) {
            case Str s -> s;
            case Int i -> i;
            case Bool b -> new Int(b.isTrue() ? 1 : 0);
            case Real r when r.value() == Math.rint(r.value()) && Math.abs(r.value()) < 1L << 62 -> new Int((long) r.value());
            case Real r -> r;
            case TupleValue t when depth > MAX_KEY_DEPTH -> throw new JinjaException("a key of a dict nests tuples more than " + MAX_KEY_DEPTH
                    + " deep");
            case TupleValue t -> {
                List<Value> items = new ArrayList<>(t.items().size());
                t.items().forEach(item -> items.add(canonical(item, depth + 1)));
                yield new TupleValue(items);
            }
            case Undefined _ -> new Undefined("");
            case ListValue _, Dict _, DictView _ -> throw new JinjaException("unhashable type: '" + Kinds.name(key) + "'");
            case None _, RangeValue _, Generator _, Namespace _, Callable _, Attributed _ -> key;
        };
    }
}
