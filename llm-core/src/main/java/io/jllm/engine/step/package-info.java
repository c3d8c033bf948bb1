/**
 * One step after the other, on the engine's thread: schedule, forward, sample, deliver.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link EngineLoop}: the thread, its inbox, and what it does when something fails
 * <li>{@link AdapterDesk}: adapters on their way to the runner and from it
 * <li>{@link StepResults}: what a forward pass means for each sequence
 * <li>{@link StepSampler}: draws tokens, on the device or here
 * <li>{@code StepMasks}, {@code MaskedRow}: what constraints allow, found while the forward pass runs
 * <li>{@link BeamSearch}: takes searches on by a token
 * <li>{@link Alternatives}: the likeliest other tokens, for log-probabilities
 * </ul>
 */
package io.jllm.engine.step;
