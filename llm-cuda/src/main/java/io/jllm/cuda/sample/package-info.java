/**
 * Drawing tokens on the device.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link RowSampler}: draws, and finds the likeliest
 * <li>{@link SamplingRecords}: the request's settings as kernels read them
 * <li>{@link SlotCounts}: how often a sequence has said each token, for penalties
 * </ul>
 */
package io.jllm.cuda.sample;
