package io.jllm.server.json;

/** A field of a request's body that is not what it must be; or a body that is no JSON. */
public final class BadField extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String param;

    /** @param param the field, by the way to it, such as {@code messages[0].content}; empty for the body as a whole */
    public BadField(String param, String message) {
        super(message, null, false, false);
        this.param = param;
    }

    /** The field; empty for the body as a whole. */
    public String param() {
        return param;
    }
}
