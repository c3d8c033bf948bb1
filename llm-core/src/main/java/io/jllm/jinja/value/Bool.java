package io.jllm.jinja.value;

/** True or False; both are numbers too. */
public enum Bool implements Value {
    FALSE, TRUE;

    public static Bool of(boolean value) {
        return value ? TRUE : FALSE;
    }

    public boolean isTrue() {
        return this == TRUE;
    }
}
