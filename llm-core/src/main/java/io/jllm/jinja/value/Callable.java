package io.jllm.jinja.value;

/** A function, a method of a value, or a macro. */
public non-sealed interface Callable extends Value {
    /** How errors name it. */
    String name();

    Value call(Arguments arguments);
}
