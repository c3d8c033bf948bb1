package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.List;

/** A list, which templates may change. */
public record ListValue(List<Value> items) implements Value {
    public static ListValue of(Value... items) {
        return new ListValue(new ArrayList<>(List.of(items)));
    }

    /** Of a copy of these. */
    public static ListValue copyOf(List<Value> items) {
        return new ListValue(new ArrayList<>(items));
    }

    /** Lists are keys of nothing, and are compared by {@link Comparison}: this is identity. */
    @Override
    public boolean equals(Object o) {
        return this == o;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
