package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Elements of strings, lists and dictionaries, and parts of them. */
public final class Subscripts {
    private Subscripts() {
    }

    /**
     * {@code value[key]}, if it is there.
     *
     * @throws JinjaException if the value is undefined
     */
    public static Optional<Value> element(Value value, Value key) {
        return switch (value) {
            case Dict d -> d.get(key);
            case Str s -> index(key, s.length()).map(i -> s.slice(i, i + 1));
            case ListValue l -> index(key, l.items().size()).map(l.items()::get);
            case TupleValue t -> index(key, t.items().size()).map(t.items()::get);
            case RangeValue r -> index(key, r.size()).map(r::get);
            case Undefined u -> throw u.error();
            case Int _, Real _, Bool _, None _, DictView _, Generator _, Namespace _, Callable _, Attributed _ -> Optional.empty();
        };
    }

    private static Optional<Integer> index(Value key, int size) {
        OptionalLong whole = Numbers.whole(key);
        if (whole.isEmpty()) {
            return Optional.empty();
        }
        long index = whole.getAsLong() < 0 ? whole.getAsLong() + size : whole.getAsLong();
        return index < 0 || index >= size ? Optional.empty() : Optional.of((int) index);
    }

    /** {@code value[start:stop:step]}; a bound that is None counts as one that is left out. */
    public static Value slice(Value value, Value start, Value stop, Value step, Meter meter) {
        OptionalLong stride = bound(step);
        long by = stride.orElse(1);
        if (by == 0) {
            throw new JinjaException("slice step cannot be zero");
        }
        return switch (value) {
            case Str s -> {
                int[] at = places(bound(start), bound(stop), by, s.length());
                if (by == 1) {
                    yield s.slice(at[0], Math.max(at[0], at[1]));
                }
                List<Value> characters = s.characters(meter);
                TextBuilder out = new TextBuilder(meter);
                picked(characters, at, by, meter).forEach(c -> out.add((Str) c));
                yield out.build();
            }
            case ListValue l -> new ListValue(picked(l.items(), places(bound(start), bound(stop), by, l.items().size()), by, meter));
            case TupleValue t -> new TupleValue(picked(t.items(), places(bound(start), bound(stop), by, t.items().size()), by, meter));
            case RangeValue r -> {
                int[] at = places(bound(start), bound(stop), by, r.size());
                yield new RangeValue(r.start() + at[0] * r.step(), r.start() + at[1] * r.step(), r.step() * by);
            }
            case Undefined u -> throw u.error();
            case Int _, Real _, Bool _, None _, Dict _, DictView _, Generator _, Namespace _, Callable _, Attributed _ -> throw new JinjaException("'"
                    + Kinds.name(value) + "' object is not subscriptable by a slice");
        };
    }

    private static OptionalLong bound(Value value) {
        if (value == None.NONE) {
            return OptionalLong.empty();
        }
        OptionalLong whole = Numbers.whole(value);
        if (whole.isEmpty()) {
            throw new JinjaException("slice indices must be integers or None, not " + Kinds.name(value));
        }
        return whole;
    }

    /** Where a slice begins, and where it ends (exclusive), as Python's {@code slice.indices}. */
    private static int[] places(OptionalLong start, OptionalLong stop, long step, int size) {
        int low = step > 0 ? 0 : -1;
        int high = step > 0 ? size : size - 1;
        return new int[] {place(start, step > 0 ? low : high, low, high, size), place(stop, step > 0 ? high : low, low, high, size)};
    }

    private static int place(OptionalLong bound, int otherwise, int low, int high, int size) {
        if (bound.isEmpty()) {
            return otherwise;
        }
        long at = bound.getAsLong() < 0 ? Math.max(bound.getAsLong(), Long.MIN_VALUE / 2) + size : bound.getAsLong();
        return Math.clamp(at, low, high);
    }

    private static List<Value> picked(List<Value> items, int[] at, long step, Meter meter) {
        List<Value> picked = new ArrayList<>();
        for (long i = at[0]; step > 0 ? i < at[1] : i > at[1]; i += step) {
            meter.step();
            picked.add(items.get((int) i));
            if (Math.abs(step) > items.size()) {
                break;
            }
        }
        return picked;
    }
}
