package io.jllm.server.http;

import com.google.gson.JsonObject;
import io.jllm.server.json.Json;

/** How errors are written. */
public enum ErrorBodies {
    /** {@code {"error": {"message", "type", "param", "code"}}}. */
    OPENAI {
        @Override
        public JsonObject body(ApiError e) {
            return Json.object().put("error", Json.object().put("message", e.getMessage()).put("type", e.type()).put("param", e.param())
                    .put("code", e.code())).json();
        }
    },
    /** {@code {"type": "error", "error": {"type", "message"}}}. */
    ANTHROPIC {
        @Override
        public JsonObject body(ApiError e) {
            String type = switch (e.status()) {
                case 401 -> "authentication_error";
                case 403 -> "permission_error";
                case 404 -> "not_found_error";
                case 413 -> "request_too_large";
                case 429 -> "rate_limit_error";
                case 503 -> "overloaded_error";
                case 500 -> "api_error";
                default -> "invalid_request_error";
            };
            return Json.object().put("type", "error").put("error", Json.object().put("type", type).put("message", e.getMessage())).json();
        }
    };

    public abstract JsonObject body(ApiError e);
}
