package io.jllm.server.openai;

import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import java.io.IOException;

/** What all chunks of an answer have in common, written once: there is a chunk for each token. */
final class ChunkFrame {
    private final String head;
    private final String tail;

    /**
     * @param common the members of all chunks, at least one
     * @param usage whether they have {@code usage}, as null, because one more has it at the end
     */
    ChunkFrame(JsonBuilder common, boolean usage) {
        String text = Json.text(common.json());
        head = text.substring(0, text.length() - 1) + ",\"choices\":[";
        tail = usage ? "],\"usage\":null}" : "]}";
    }

    /** Sends a chunk with that choice. */
    void send(Events events, JsonBuilder choice) throws IOException {
        events.sendText(head + Json.text(choice.json()) + tail);
    }
}
