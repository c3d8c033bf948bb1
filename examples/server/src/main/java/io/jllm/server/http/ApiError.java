package io.jllm.server.http;

import java.util.Optional;
import java.util.OptionalInt;

/** An answer that says what is wrong. Without a stack trace: it is for the client. */
public final class ApiError extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String type;
    private final transient Optional<String> param;
    private final transient Optional<String> code;
    private final transient OptionalInt retryAfter;

    private ApiError(int status, String type, String message, Optional<String> param, Optional<String> code, OptionalInt retryAfter) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
        this.retryAfter = retryAfter;
    }

    private static ApiError of(int status, String type, String message, Optional<String> code) {
        return new ApiError(status, type, message, Optional.empty(), code, OptionalInt.empty());
    }

    /** 400: the request is wrong. */
    public static ApiError badRequest(String message) {
        return of(400, "invalid_request_error", message, Optional.empty());
    }

    /** 400: a field of it is wrong. */
    public static ApiError badField(String param, String message) {
        return new ApiError(400, "invalid_request_error", message, Optional.of(param).filter(p -> !p.isEmpty()), Optional.empty(), OptionalInt.empty());
    }

    /** 400: the prompt is longer than the context. */
    public static ApiError tooLong(String message) {
        return of(400, "invalid_request_error", message, Optional.of("context_length_exceeded"));
    }

    /** 401: no key, or none that is known. */
    public static ApiError unauthorized() {
        return of(401, "authentication_error", "a key is needed: send one that this server knows as Authorization: Bearer KEY",
                Optional.of("invalid_api_key"));
    }

    /** 403: from where nobody is let in. */
    public static ApiError forbidden(String message) {
        return of(403, "permission_error", message, Optional.empty());
    }

    /** 404: no such path. */
    public static ApiError notFound(String message) {
        return of(404, "not_found_error", message, Optional.empty());
    }

    /** 404: no such model. */
    public static ApiError noModel(String message) {
        return new ApiError(404, "not_found_error", message, Optional.of("model"), Optional.of("model_not_found"), OptionalInt.empty());
    }

    /** 405. */
    public static ApiError methodNotAllowed(String message) {
        return of(405, "invalid_request_error", message, Optional.empty());
    }

    /** 413: the body is too large. */
    public static ApiError tooLarge(String message) {
        return of(413, "invalid_request_error", message, Optional.empty());
    }

    /** 429: too much is waiting. */
    public static ApiError busy(String message, int retryAfterSeconds) {
        return new ApiError(429, "rate_limit_error", message, Optional.empty(), Optional.of("rate_limit_exceeded"), OptionalInt.of(retryAfterSeconds));
    }

    /** 500: the request failed, by no fault of the client. */
    public static ApiError failed(String message) {
        return of(500, "server_error", message, Optional.empty());
    }

    /** 503: not now. */
    public static ApiError unavailable(String message, int retryAfterSeconds) {
        return new ApiError(503, "server_error", message, Optional.empty(), Optional.empty(), OptionalInt.of(retryAfterSeconds));
    }

    public int status() {
        return status;
    }

    /** OpenAI's name for its kind. */
    public String type() {
        return type;
    }

    /** The field that is wrong. */
    public Optional<String> param() {
        return param;
    }

    /** OpenAI's code. */
    public Optional<String> code() {
        return code;
    }

    /** After how many seconds to try again. */
    public OptionalInt retryAfter() {
        return retryAfter;
    }
}
