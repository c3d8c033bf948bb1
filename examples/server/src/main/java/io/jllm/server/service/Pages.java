package io.jllm.server.service;

import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Files for browsers: the resources beside {@code io/jllm/server/web/index.html}, by their names; {@code /} is the index. They may use what this
 * server offers and nothing else.
 */
public final class Pages implements Endpoint {
    private static final String FOLDER = "/io/jllm/server/web/";
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]*\\.[a-z0-9]+");
    private static final Map<String, String> TYPES = Map.of("html", "text/html; charset=utf-8", "css", "text/css; charset=utf-8", "js",
            "text/javascript; charset=utf-8", "svg", "image/svg+xml", "png", "image/png", "ico", "image/x-icon");
    private static final String POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    @Override
    public void answer(Call call) throws IOException {
        String name = call.path().equals("/") ? "index.html" : call.path().substring(1);
        String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
        try (InputStream in = NAME.matcher(name).matches() && type != null ? Pages.class.getResourceAsStream(FOLDER + name) : null) {
            if (in == null) {
                throw ApiError.notFound("there is nothing at " + call.path() + "; /openapi.json says what there is");
            }
            call.setHeader("Content-Security-Policy", POLICY);
            call.setHeader("Referrer-Policy", "no-referrer");
            call.reply(200, type, in.readAllBytes());
        }
    }
}
