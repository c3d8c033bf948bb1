/**
 * A file for each storage format: how its bytes are values. These are the specification; backends have faster ways, tested against it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Codecs}: the list of them
 * <li>{@link F32}, {@link F16}, {@link BF16}: floats
 * <li>{@link Q8_0}, {@link Q4_0}, {@link Q5_0}: blocks of 32 with a scale; {@link Q4_1}, {@link Q5_1}: with a minimum too
 * <li>{@link MXFP4}: blocks of 32 small floats with a power of two
 * <li>{@link Q2_K}, {@link Q3_K}, {@link Q4_K}, {@link Q5_K}, {@link Q6_K}: blocks of 256
 * <li>{@link TQ1_0}, {@link TQ2_0}: three values
 * <li>io.jllm.quant.codec.eight: floats of 8 bits; io.jllm.quant.codec.checkpoint: what weights of quantised checkpoints are read as
 * </ul>
 *
 * <p>Formats that look values up in tables are in {@code io.jllm.quant.codec.grid}; what codecs and encoders share is in {@code
 * io.jllm.quant.codec.block}.
 */
package io.jllm.quant.codec;
