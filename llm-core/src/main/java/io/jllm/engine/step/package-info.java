/**
 * One step after the other, on the engine's thread: schedule, forward, sample, deliver; on devices that can, the next one before that.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link EngineLoop}: the thread, its inbox, and what it does when something fails
 * <li>{@code StepPipeline}: one step, and the next one while the device draws the tokens of that
 * <li>{@link AdapterDesk}: adapters on their way to the runner and from it
 * <li>{@link StepResults}: what a forward pass means for each sequence
 * <li>{@link StepSampler}, {@code PendingRow}: draws tokens, on the device or here
 * <li>{@code StepMasks}, {@code MaskedRow}: what constraints allow, found while the forward pass runs
 * <li>{@link BeamSearch}: takes searches on by a token
 * <li>{@link Alternatives}: the likeliest other tokens, for log-probabilities
 * </ul>
 */
package io.jllm.engine.step;
