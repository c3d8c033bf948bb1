package io.jllm.jinja.value;

/** A whole number. Python's have no limit; here one past 64 bits is an error. */
public record Int(long value) implements Value {
    public static Int of(long value) {
        return new Int(value);
    }
}
