package io.jllm.jinja.value;

/** A floating-point number. */
public record Real(double value) implements Value {
}
