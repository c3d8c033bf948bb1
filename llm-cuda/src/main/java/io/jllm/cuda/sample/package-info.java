/**
 * Drawing tokens on the device, with the same stages and random numbers as on the host.
 *
 * <p>To read: {@link io.jllm.cuda.sample.RowSampler} has two {@code DeviceDrawing}s, which queue draws and read results, {@code SamplingRecords}
 * writes how to draw, {@link io.jllm.cuda.sample.SlotCounts} keeps what each sequence has said, for penalties.
 */
package io.jllm.cuda.sample;
