package io.jllm.chat;

import java.util.Locale;

/** Who says a {@link Message}. Templates know them by their {@link #templateName}. */
public enum Role {
    /** Instructions of the application. */
    SYSTEM,
    /** Instructions of the application, as newer models name them; templates that do not know this role are given a system message. */
    DEVELOPER,
    /** Whoever talks to the model. */
    USER,
    /** The model. */
    ASSISTANT,
    /** What a tool that the model called gave back. */
    TOOL;

    /** As chat templates and the OpenAI API name it: in lower case. */
    public String templateName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
