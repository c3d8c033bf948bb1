/**
 * The engine over one loaded model and one runner: continuous batching with a paged KV cache. Applications see it as io.jllm.LLM. A request goes
 * through the packages below in the order request, sequence, schedule, step; kv and watch serve them.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link LoadedLlm}: the engine put together: model, backend, runner, loop, and the way in
 * <li>{@link EngineOptions}: what may be set of it
 * <li>{@link StepTrial}: how many tokens steps should have, found by measurement
 * <li>{@link EngineWarmUp}, {@link IdleRunner}: two requests through the engine's own code while a backend loads weights
 * </ul>
 */
package io.jllm.engine;
