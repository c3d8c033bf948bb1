package io.jllm.server.http;

import com.google.gson.JsonElement;
import io.jllm.server.json.Field;
import java.io.IOException;
import java.util.Optional;

/**
 * A request, and the reply to it. For the thread that serves it.
 *
 * <p><b>Clients that leave.</b> A server sees that a client has gone when it writes. So from {@link #await} or {@link #events} on, what means nothing
 * to a client is written while nothing else is: blank lines before JSON, comments between events. Where that fails the serving thread is
 * interrupted: what waits for an engine ends, and its request is cancelled. So it is when the server stops.
 */
public interface Call {
    String method();

    /** The path, decoded, without the query. */
    String path();

    /** The value of a header; of several the first. */
    Optional<String> header(String name);

    /** Who asks: address and port. */
    String client();

    /** By which the reply, and the line in the log, name the request. */
    String id();

    /**
     * The body, which is read whole.
     *
     * @throws ApiError if it is larger, or slower, than is allowed
     * @throws IOException if the client has gone
     */
    byte[] body() throws IOException;

    /** The body as a JSON object. */
    default Field json() throws IOException {
        return Field.body(body());
    }

    /** A header of the reply. */
    void setHeader(String name, String value);

    /** Words for the line in the log. */
    void note(String words);

    /** The whole reply. */
    void reply(int status, String contentType, byte[] body) throws IOException;

    /** The whole reply, in JSON. Behind {@link #await} the status may have been sent already, as 200. */
    void reply(int status, JsonElement json) throws IOException;

    /**
     * From here on the client waits for an answer in JSON. Everything that can be wrong with the request should have been found by now: the
     * status is sent with the first blank line.
     */
    void await();

    /** Begins a reply of events, as they come. */
    Events events() throws IOException;
}
