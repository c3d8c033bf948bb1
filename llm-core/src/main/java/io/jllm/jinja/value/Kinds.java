package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.List;

/** What holds for values of every kind: names of types, truth, length, and what can be gone through. */
public final class Kinds {
    private Kinds() {
    }

    /** Python's name of the type. */
    public static String name(Value value) {
        return switch (value) {
            case Str _ -> "str";
            case Int _ -> "int";
            case Real _ -> "float";
            case Bool _ -> "bool";
            case None _ -> "NoneType";
            case Undefined _ -> "Undefined";
            case ListValue _ -> "list";
            case TupleValue _ -> "tuple";
            case RangeValue _ -> "range";
            case Dict _ -> "dict";
            case DictView v -> v.typeName();
            case Generator _ -> "generator";
            case Namespace _ -> "Namespace";
            case Callable _ -> "function";
            case Attributed a -> a.typeName();
        };
    }

    public static boolean truth(Value value) {
        return switch (value) {
            case Bool b -> b.isTrue();
            case Str s -> !s.isEmpty();
            case Undefined _, None _ -> false;
            case Int i -> i.value() != 0;
            case Real r -> r.value() != 0;
            case ListValue l -> !l.items().isEmpty();
            case TupleValue t -> !t.items().isEmpty();
            case RangeValue r -> r.size() > 0;
            case Dict d -> d.size() > 0;
            case DictView v -> v.dict().size() > 0;
            case Generator _, Namespace _, Callable _, Attributed _ -> true;
        };
    }

    /** @throws JinjaException if it has none */
    public static int length(Value value) {
        return switch (value) {
            case Str s -> s.length();
            case ListValue l -> l.items().size();
            case TupleValue t -> t.items().size();
            case RangeValue r -> r.size();
            case Dict d -> d.size();
            case DictView v -> v.dict().size();
            case Undefined _ -> 0;
            case Attributed a -> a.attribute("length").map(v -> v instanceof Int i ? (int) i.value() : 0)
                    .orElseThrow(() -> hasNone(value, "len()"));
            case Int _, Real _, Bool _, None _, Generator _, Namespace _, Callable _ -> throw hasNone(value, "len()");
        };
    }

    private static JinjaException hasNone(Value value, String what) {
        return new JinjaException("object of type '" + name(value) + "' has no " + what);
    }

    public static boolean isIterable(Value value) {
        return switch (value) {
            case Str _, ListValue _, TupleValue _, RangeValue _, Dict _, DictView _, Generator _, Undefined _ -> true;
            case Int _, Real _, Bool _, None _, Namespace _, Callable _, Attributed _ -> false;
        };
    }

    /**
     * What a loop goes through: characters of a string, keys of a dictionary. Not to be changed.
     *
     * @throws JinjaException if it cannot be gone through
     */
    public static List<Value> items(Value value, Meter meter) {
        List<Value> items = switch (value) {
            case ListValue l -> l.items();
            case TupleValue t -> t.items();
            case Str s -> s.characters(meter);
            case RangeValue r -> r.items();
            case Dict d -> d.keys();
            case DictView v -> v.items();
            case Generator g -> g.drain();
            case Undefined _ -> List.of();
            case Int _, Real _, Bool _, None _, Namespace _, Callable _, Attributed _ -> throw new JinjaException("'" + name(value)
                    + "' object is not iterable");
        };
        meter.steps(items.size());
        return items;
    }

    /** A list of its own of what a loop goes through. */
    public static List<Value> copyOfItems(Value value, Meter meter) {
        return new ArrayList<>(items(value, meter));
    }
}
