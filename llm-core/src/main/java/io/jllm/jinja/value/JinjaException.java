package io.jllm.jinja.value;

/** A template is wrong, or cannot do with its variables what it says. */
public final class JinjaException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** Of an error that knows no line yet. */
    private static final int NO_LINE = 0;

    private final int line;

    /** At a line that whoever runs the template will add. */
    public JinjaException(String message) {
        this(message, NO_LINE);
    }

    /** @param line from 1 */
    public JinjaException(String message, int line) {
        super(message);
        this.line = line;
    }

    private JinjaException(JinjaException cause, int line) {
        super(cause.getMessage(), cause);
        this.line = line;
    }

    /** The line of the template, from 1; 0 if it has none. */
    public int line() {
        return line;
    }

    /** The same at this line, unless it has one. */
    public JinjaException at(int where) {
        return line == NO_LINE ? new JinjaException(this, where) : this;
    }
}
