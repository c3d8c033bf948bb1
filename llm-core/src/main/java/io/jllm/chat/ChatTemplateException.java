package io.jllm.chat;

/** A chat template is broken, refuses a conversation, or takes too much; or there is none. */
public final class ChatTemplateException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final int line;

    /** @param line of the template, from 1; 0 if it is about none */
    ChatTemplateException(String message, int line) {
        super(line == 0 ? message : "line " + line + " of the chat template: " + message);
        this.line = line;
    }

    /** The line of the template, from 1; 0 if it is about none. */
    public int line() {
        return line;
    }
}
