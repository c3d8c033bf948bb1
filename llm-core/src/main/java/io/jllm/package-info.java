/**
 * The API. Load a model, generate, read the result. Everything here but the entry is a value, or an interface that an application implements;
 * the engine behind it is hidden.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link LLM}, {@link LlmBuilder}: the entry: a loaded model and its engine, and the settings to load it with; {@link Backends} finds what
 * can run it
 * <li>{@link Prompt}, {@link Request}: what to continue; {@link Request.Chat} for conversations
 * <li>{@link SamplingParams}, {@link BeamSearchParams}: how; {@link Decoding} is what both have in common, read through {@link DecodingParams}.
 * Their builders: {@link SamplingParamsBuilder}, {@link BeamSearchParamsBuilder}, over {@link DecodingParamsBuilder}
 * <li>{@link RequestOutput}, {@link CompletionOutput}, {@link TokenLogprobs}, {@link FinishReason}, {@link StopReason}: what came of it
 * <li>{@link TokenStream}, {@link RequestHandle}: results as they come; {@link RequestRejectedException} where too many wait
 * <li>{@link LogitsProcessor}, {@link EngineListener}: what an application may hang into the engine
 * <li>{@link EngineMetrics}, {@link MemoryReport}: what the engine says of itself; {@link ModelLoadException} why there is none
 * </ul>
 */
package io.jllm;
