package io.jllm.server.http;

import com.google.gson.JsonElement;
import io.jllm.server.json.Json;
import java.io.IOException;

/** A stream of server-sent events. Safe for all threads; a reader that does not read holds the writers up. */
public interface Events {
    /** An event without a name. */
    default void send(JsonElement data) throws IOException {
        sendText(Json.text(data), false);
    }

    /** An event with a name. */
    void send(String event, JsonElement data) throws IOException;

    /**
     * Data as text: JSON that is written already, or something else, such as {@code [DONE]}.
     *
     * @param more whether another event or the end of the stream follows at once, so that this need not be sent on its own
     */
    void sendText(String data, boolean more) throws IOException;

    /** Sends what was held back for an event that has not come. */
    void flush() throws IOException;
}
