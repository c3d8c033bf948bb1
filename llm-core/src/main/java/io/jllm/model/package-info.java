/**
 * A forward pass as data. A family turns its numbers into a program once, and each backend compiles the program once.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Program}: a straight list of ops over values, with the builder that families use
 * <li>{@link Op}, {@link Value}, {@link Weight}: the ops, what they compute, and the tensors that they read
 * <li>{@link Rope}: rotary position embedding, computed at load
 * <li>{@link BufferPlan}: where values lie in scratch memory; {@link WeightShape}: what tensors have to be
 * <li>{@link ModelConfig}: the numbers of a model
 * <li>{@link Architecture}: what a family has to say
 * </ul>
 */
package io.jllm.model;
