package io.jllm.jinja.value;

import java.util.Optional;

/** A value that is known by its attributes, as {@code loop} is. */
public non-sealed interface Attributed extends Value {
    /** Python's name of its type. */
    String typeName();

    Optional<Value> attribute(String name);
}
