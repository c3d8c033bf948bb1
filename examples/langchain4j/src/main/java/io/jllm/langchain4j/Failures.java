package io.jllm.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import io.jllm.FinishReason;
import io.jllm.RequestOutput;
import io.jllm.RequestRejectedException;
import java.util.concurrent.CancellationException;

/** What goes wrong with requests, as LangChain4j's exceptions tell it. */
final class Failures {
    private Failures() {
    }

    /** The exception for one of the library's: by its class LangChain4j knows whether to try again. */
    static RuntimeException of(RuntimeException e) {
        return switch (e) {
            case RequestRejectedException full ->
                    new RateLimitException("too many requests wait: " + full.waiting() + ", of at most " + full.limit(), full);
            case IllegalArgumentException wrong -> new InvalidRequestException(wrong.getMessage(), wrong);
            default -> e;
        };
    }

    /**
     * The same output, if it is an answer.
     *
     * @throws RuntimeException what the request failed with, or that it was cancelled
     */
    static RequestOutput check(RequestOutput output, ChatAsk ask) {
        if (output.error().isPresent()) {
            throw of(output.error().get());
        }
        if (output.finishReason() == FinishReason.CANCELLED) {
            if (ask.params().timeout().isPresent() && output.metrics().total().compareTo(ask.params().timeout().get()) >= 0) {
                throw new TimeoutException("the answer took longer than the timeout of " + ask.params().timeout().get() + "; "
                        + output.metrics().generatedTokens() + " tokens were generated");
            }
            throw new CancellationException("the request was cancelled after " + output.metrics().generatedTokens() + " tokens");
        }
        return output;
    }
}
