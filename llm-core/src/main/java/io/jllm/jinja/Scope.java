package io.jllm.jinja;

import io.jllm.jinja.value.Undefined;
import io.jllm.jinja.value.Value;
import java.util.HashMap;
import java.util.Map;

/** Variables of a part of a template. What is set in it is seen in it and in the parts inside it, and nowhere else. */
final class Scope {
    private final Scope outer;
    private final Map<String, Value> variables;

    /** The outermost one, of these variables. */
    Scope(Map<String, Value> variables) {
        this.outer = null;
        this.variables = variables;
    }

    /** One inside another. */
    Scope(Scope outer) {
        this.outer = outer;
        this.variables = new HashMap<>(4);
    }

    Value get(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            Value value = scope.variables.get(name);
            if (value != null) {
                return value;
            }
        }
        return Undefined.variable(name);
    }

    void set(String name, Value value) {
        variables.put(name, value);
    }
}
