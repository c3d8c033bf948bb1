/**
 * A request inside the engine, touched by the engine's thread alone: a group of units, which hold sequences of tokens and what they say.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SequenceGroup}: a request, maybe of a {@link ChosenAdapter}
 * <li>{@link SchedulingUnit}: what is scheduled as one: {@link SampledUnit} a sampled sequence, {@link BeamUnit} all beams of a search,
 * {@link EmbeddingUnit} a text of which a vector is made, in a {@link Pool}
 * <li>{@link Sequence}: tokens, KV blocks and slot of one sequence
 * <li>{@link SequenceSettings}: the request's parameters, resolved for the model
 * <li>{@link Completion}: text and log-probabilities so far; {@link StopStrings} and {@link StopChecker} end it
 * <li>{@link ResultSink}, {@link RequestEvents}: who is told of results, and of what happens on the way
 * <li>{@link Failures}, {@link Clock}, {@link LatencyHistogram}: errors, time, and waits between tokens
 * </ul>
 */
package io.jllm.engine.sequence;
