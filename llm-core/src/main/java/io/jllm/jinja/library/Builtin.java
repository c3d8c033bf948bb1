package io.jllm.jinja.library;

import io.jllm.jinja.value.Arguments;
import io.jllm.jinja.value.Value;
import java.util.List;
import java.util.Map;

/**
 * A filter, a test or a method: a function of a value and more.
 *
 * @param parameters names of what it takes beside the value, in their order
 * @param takesAll whether it takes whatever is passed, and looks at that itself
 */
public record Builtin(String name, List<String> parameters, boolean takesAll, Body body) {
    /** What it does. */
    @FunctionalInterface
    interface Body {
        Value apply(Value value, Bound arguments);
    }

    static void add(Map<String, Builtin> to, String name, Body body, String... parameters) {
        to.put(name, new Builtin(name, List.of(parameters), false, body));
    }

    static void addOfAll(Map<String, Builtin> to, String name, Body body) {
        to.put(name, new Builtin(name, List.of(), true, body));
    }

    /** @throws io.jllm.jinja.value.JinjaException if it takes no such arguments, or cannot be done */
    public Value apply(Value value, Arguments arguments) {
        return body.apply(value, takesAll ? Bound.all(name, arguments) : Bound.of(name, parameters, arguments));
    }
}
