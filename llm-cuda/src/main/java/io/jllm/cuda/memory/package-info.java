/**
 * Device memory of a running model: values of a step, pages of keys and values, and the numbers that change from step to step.
 *
 * <p>To read: {@link io.jllm.cuda.memory.Activations} places values as the plan of buffers says, {@link io.jllm.cuda.memory.KvCache} has the pages,
 * {@link io.jllm.cuda.memory.BlockCopier} copies them, {@link io.jllm.cuda.memory.StepUpload} brings a batch to the device,
 * {@link io.jllm.cuda.memory.StepSize} is how much of it a step launches, {@link io.jllm.cuda.memory.HostRows} brings results back.
 */
package io.jllm.cuda.memory;
