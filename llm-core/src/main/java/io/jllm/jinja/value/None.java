package io.jllm.jinja.value;

/** Python's None. */
public enum None implements Value {
    NONE
}
