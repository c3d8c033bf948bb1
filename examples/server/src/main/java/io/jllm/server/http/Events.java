package io.jllm.server.http;

import com.google.gson.JsonElement;
import java.io.IOException;

/** A stream of server-sent events. Safe for all threads; a reader that does not read holds the writers up. */
public interface Events {
    /** An event without a name. */
    void send(JsonElement data) throws IOException;

    /** An event with a name. */
    void send(String event, JsonElement data) throws IOException;

    /** Data that is no JSON, such as {@code [DONE]}. */
    void sendText(String data) throws IOException;
}
