/**
 * What lies on the device beside the weights, and how a step's numbers get there.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Activations}: the values of a step, placed by the program's plan
 * <li>{@link KvCache}: blocks of keys and values; {@link BlockCopier} copies them
 * <li>{@link StepUpload}, {@link StepSize}: what changes from step to step, in one copy
 * </ul>
 */
package io.jllm.cuda.memory;
