package io.jllm.server.http;

import java.io.IOException;

/** Answers requests of one kind. Safe for all threads. */
@FunctionalInterface
public interface Endpoint {
    /**
     * Answers.
     *
     * @throws ApiError if the request is wrong or cannot be answered
     * @throws IOException if the client has gone
     * @throws InterruptedException if the client has gone, or the server stops
     */
    void answer(Call call) throws IOException, InterruptedException;
}
