/**
 * Which tokens of which sequences the next step computes. There is no prefill mode and no decode mode: each sequence gets what it is behind,
 * within a budget of tokens.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Scheduler}: admission, preemption, and the share of each unit
 * <li>{@link WaitingQueue}: who waits, by priority and age
 * <li>{@link StepBuilder}: fills the batch that the runner computes; {@link PlannedStep} says whose tokens those are, {@link StepRows} whose tokens
 * its rows of logits give
 * <li>{@link SequenceSlots}: the small numbers under which a runner keeps state of sequences
 * <li>{@link RotationRule}: by what length texts are rotated, in models whose rotation depends on it
 * <li>{@link SchedulerLimits}: sizes of a step
 * </ul>
 */
package io.jllm.engine.schedule;
