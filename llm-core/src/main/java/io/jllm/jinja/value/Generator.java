package io.jllm.jinja.value;

import java.util.List;

/**
 * Values that can be gone through once, as filters such as {@code map} and {@code select} give. It has no length, no elements by number, and
 * no text. Not thread-safe.
 */
public final class Generator implements Value {
    private final List<Value> items;
    private int next;

    public Generator(List<Value> items) {
        this.items = items;
    }

    /** All that is left. */
    public List<Value> drain() {
        List<Value> left = items.subList(next, items.size());
        next = items.size();
        return left;
    }

    /** What comes next, or undefined at the end. */
    public Value next() {
        return next < items.size() ? items.get(next++) : new Undefined("No first item, sequence was empty.");
    }
}
