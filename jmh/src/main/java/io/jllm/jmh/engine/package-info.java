/**
 * What the engine makes of many requests.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Speed}: prompts and generation, as llama-bench names them
 * <li>{@link Batching}, {@link PrefixSharing}: what batches and shared beginnings give
 * <li>{@link FirstRequests}: the first requests of a JVM
 * <li>{@link StepOverhead}, {@link NothingBackend}: what a step costs beside the model
 * <li>{@link Overlap}, {@link PacedBackend}: how much of that a device hides that computes meanwhile
 * </ul>
 */
package io.jllm.jmh.engine;
