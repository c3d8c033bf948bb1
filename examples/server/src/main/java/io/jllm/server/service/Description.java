package io.jllm.server.service;

import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import java.io.IOException;
import java.io.InputStream;

/** {@code GET /openapi.json}: the paths, and the bodies of requests and replies, as OpenAPI 3.1 has them. A resource. */
public final class Description implements Endpoint {
    private static final String RESOURCE = "/io/jllm/server/openapi.json";

    @Override
    public void answer(Call call) throws IOException {
        try (InputStream in = Description.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("the server's jar was built without " + RESOURCE);
            }
            call.reply(200, "application/json", in.readAllBytes());
        }
    }
}
