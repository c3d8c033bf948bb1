package io.jllm.engine.request;

import io.jllm.RequestOutput;
import java.util.Optional;
import java.util.function.Function;

/**
 * One request of many, and what its caller gets.
 *
 * @param work what the engine is asked for
 * @param refusal why it is not asked, if so: then the request fails with it
 * @param made makes the caller's result of the engine's, on the caller's thread
 */
public record Asked<T>(Work work, Optional<IllegalArgumentException> refusal, Function<RequestOutput, T> made) {
    /** The engine is asked. */
    public static <T> Asked<T> of(Work work, Function<RequestOutput, T> made) {
        return new Asked<>(work, Optional.empty(), made);
    }
}
