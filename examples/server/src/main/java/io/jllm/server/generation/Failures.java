package io.jllm.server.generation;

import io.jllm.LLM;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import io.jllm.server.http.ApiError;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/** What goes wrong with requests to an engine, as errors for clients. */
public final class Failures {
    private static final int RETRY_SECONDS = 1;

    private Failures() {
    }

    /** Starts a request. What can be refused is refused here. */
    public static <H extends RequestHandle> H started(LLM llm, Supplier<H> start) throws InterruptedException {
        H handle;
        try {
            handle = start.get();
        } catch (RuntimeException e) {
            throw of(e);
        }
        if (handle.progress().state() == RequestHandle.Progress.State.FINISHED) {
            check(llm, result(handle));
        }
        return handle;
    }

    /** Waits for a result; interrupted, it cancels the request. */
    public static RequestOutput result(RequestHandle handle) throws InterruptedException {
        try {
            return handle.result().get();
        } catch (InterruptedException e) {
            handle.cancel();
            throw e;
        } catch (ExecutionException | CancellationException e) {
            throw new IllegalStateException(e); // failures are results
        }
    }

    /**
     * The same result, if it is one.
     *
     * @throws ApiError what the request failed with
     */
    public static RequestOutput check(LLM llm, RequestOutput output) {
        if (output.error().isPresent()) {
            boolean tooLong = output.error().get() instanceof IllegalArgumentException && output.promptTokenIds().length >= llm.maxContext();
            throw tooLong ? ApiError.tooLong(output.error().get().getMessage()) : of(output.error().get());
        }
        return output;
    }

    /** The error for an exception of the library. */
    public static ApiError of(RuntimeException e) {
        return switch (e) {
            case ApiError known -> known;
            case RequestRejectedException full -> ApiError.busy("too many requests wait: " + full.waiting() + ", of at most " + full.limit()
                    + "; try again later", RETRY_SECONDS);
            case IllegalArgumentException wrong -> ApiError.badRequest(wrong.getMessage());
            case IllegalStateException closed -> ApiError.unavailable(closed.getMessage(), RETRY_SECONDS);
            default -> ApiError.failed("the request failed: " + e.getMessage());
        };
    }
}
