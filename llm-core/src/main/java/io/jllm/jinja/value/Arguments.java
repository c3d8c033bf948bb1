package io.jllm.jinja.value;

import java.util.List;
import java.util.Map;

/**
 * What a call passes.
 *
 * @param meter of the rendering, for whatever the call makes
 */
public record Arguments(List<Value> positional, Map<String, Value> named, Meter meter) {
    /** Nothing at all. */
    public static Arguments none(Meter meter) {
        return new Arguments(List.of(), Map.of(), meter);
    }

    /** Without the first positional ones. */
    public Arguments from(int first) {
        return new Arguments(positional.subList(Math.min(first, positional.size()), positional.size()), named, meter);
    }
}
