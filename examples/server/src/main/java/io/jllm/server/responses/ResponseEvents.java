package io.jllm.server.responses;

import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import java.io.IOException;
import java.util.Optional;

/** Events of a response, numbered from 0; none are sent where the response is wanted whole. For one thread. */
final class ResponseEvents {
    private final Optional<Events> events;
    private int number;

    ResponseEvents(Optional<Events> events) {
        this.events = events;
    }

    /** The next event. */
    void send(String type, JsonBuilder members) throws IOException {
        if (events.isPresent()) {
            JsonBuilder event = Json.object().put("type", type).put("sequence_number", number++);
            members.json().asMap().forEach(event::put);
            events.get().send(type, event.json());
        }
    }
}
