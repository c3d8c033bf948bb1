package io.jllm.server.openai;

import com.google.gson.JsonPrimitive;
import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import java.io.IOException;

/** What all chunks of an answer have in common, written once: there is a chunk for each token. */
final class ChunkFrame {
    /** Stands in a choice where a text comes: nothing else that a chunk is made of holds it. */
    static final String TEXT = "\0";

    private static final String MARK = Json.text(new JsonPrimitive(TEXT));

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

    /**
     * Sends a chunk with that choice.
     *
     * @param more whether another event follows at once
     */
    void send(Events events, JsonBuilder choice, boolean more) throws IOException {
        events.sendText(head + Json.text(choice.json()) + tail, more);
    }

    /** Chunks with that choice, but for its text, which stands there as {@link #TEXT}. */
    OfTexts around(JsonBuilder choice) {
        String text = head + Json.text(choice.json()) + tail;
        int at = text.lastIndexOf(MARK);
        return new OfTexts(text.substring(0, at), text.substring(at + MARK.length()));
    }

    /** Chunks that differ by a text, all else of which is written already. */
    record OfTexts(String before, String after) {
        void send(Events events, String text, boolean more) throws IOException {
            events.sendText(before + Json.quoted(text) + after, more);
        }
    }
}
