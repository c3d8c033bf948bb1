package io.jllm.jinja.value;

import java.util.List;

/**
 * A tuple.
 *
 * @param names by which its items can be asked for too, as those of groups can; none as a rule
 */
public record TupleValue(List<Value> items, List<String> names) implements Value {
    public TupleValue(List<Value> items) {
        this(items, List.of());
    }

    public static TupleValue of(Value... items) {
        return new TupleValue(List.of(items));
    }
}
