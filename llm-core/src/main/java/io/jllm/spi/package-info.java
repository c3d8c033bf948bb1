/**
 * What a backend implements, and what it is told. The engine calls it once a step, from one thread at a time.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link BackendProvider}: found as a service; says whether it can run here, and what users can choose: {@link ActivationType}
 * <li>{@link Backend}: an opened device, which loads programs
 * <li>{@link ModelRunner}: a loaded model: forward, sample, copy blocks; {@link Drawing}: tokens that it draws while the host goes on
 * <li>{@link StepBatch}: what a step computes, flattened
 * <li>{@link ActivationListener}: hears what matrices are multiplied with
 * <li>{@link KernelListener}: hears {@link KernelTime}s of forward passes, of a {@link TimedBackend}
 * <li>{@link RowSampling}: how to draw a token from a row of logits
 * <li>{@link WeightCheck}, {@link OutOfMemory}: what all backends check and say alike
 * </ul>
 */
package io.jllm.spi;
