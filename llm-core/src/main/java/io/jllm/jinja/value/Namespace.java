package io.jllm.jinja.value;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What {@code namespace()} gives: attributes that can be set from inside loops. Not thread-safe. */
public final class Namespace implements Value {
    private final Map<String, Value> attributes = new LinkedHashMap<>();

    public Optional<Value> get(String name) {
        return Optional.ofNullable(attributes.get(name));
    }

    public void set(String name, Value value) {
        attributes.put(name, value);
    }
}
