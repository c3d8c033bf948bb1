package io.jllm.jinja.library;

import io.jllm.jinja.value.Attributed;
import io.jllm.jinja.value.Int;
import io.jllm.jinja.value.Kinds;
import io.jllm.jinja.value.Namespace;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Numbers;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Subscripts;
import io.jllm.jinja.value.TupleValue;
import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code value.name} and {@code value[key]}, of which each looks where the other does after it has found nothing. */
public final class Lookup {
    private Lookup() {
    }

    /** {@code value.name}: what every value of its kind has, such as methods, and else what is in it under this name. */
    public static Value attribute(Value value, Str name) {
        return own(value, name.text()).or(() -> Subscripts.element(value, name)).orElseGet(() -> missing(value, name.text()));
    }

    /** {@code value[key]}: what is in it, and else what every value of its kind has. */
    public static Value item(Value value, Value key) {
        Optional<Value> found = Subscripts.element(value, key);
        if (found.isEmpty() && key instanceof Str name) {
            found = own(value, name.text());
        }
        return found.orElseGet(() -> key instanceof Str s ? missing(value, s.text())
                : new Undefined(Kinds.name(value) + " object has no element " + (key instanceof Int i ? i.value() : "of type " + Kinds.name(key))));
    }

    private static Undefined missing(Value value, String name) {
        return new Undefined("'" + (value == None.NONE ? "None" : Kinds.name(value) + " object") + "' has no attribute '" + name + "'");
    }

    /** What every value of its kind has. */
    static Optional<Value> own(Value value, String name) {
        return switch (value) {
            case Undefined u -> throw u.error();
            case Namespace n -> n.get(name);
            case Attributed a -> a.attribute(name);
            case TupleValue t when t.names().contains(name) -> Optional.of(t.items().get(t.names().indexOf(name)));
            default -> Methods.of(value, name);
        };
    }

    /** What the filters mean by an attribute: names and numbers with points between them, each an element of what is found before it. */
    static Value path(Value value, Value attribute) {
        Value at = value;
        for (Value part : parts(attribute)) {
            at = item(at, part);
        }
        return at;
    }

    /** As {@link #path}, with something else for what is missing on the way. */
    static Value path(Value value, Value attribute, Value otherwise) {
        Value at = value;
        for (Value part : parts(attribute)) {
            Value found = item(at, part);
            at = found instanceof Undefined ? otherwise : found;
        }
        return at;
    }

    private static List<Value> parts(Value attribute) {
        if (!(attribute instanceof Str s)) {
            return List.of(attribute);
        }
        List<Value> parts = new ArrayList<>();
        for (String part : s.text().split("\\.", -1)) {
            boolean number = !part.isEmpty() && part.chars().allMatch(Character::isDigit);
            parts.add(number ? Numbers.parseWhole(part, 10).orElseThrow() : Str.trusted(part));
        }
        return parts;
    }
}
