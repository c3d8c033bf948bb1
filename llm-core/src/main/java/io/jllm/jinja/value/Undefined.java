package io.jllm.jinja.value;

/**
 * What is not there: a variable that has no value, a key that is missing. It prints as nothing and is false and empty, and all else that is
 * asked of it is an error.
 *
 * @param why what the error says
 */
public record Undefined(String why) implements Value {
    /** A variable without a value. */
    public static Undefined variable(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    public JinjaException error() {
        return new JinjaException(why);
    }
}
