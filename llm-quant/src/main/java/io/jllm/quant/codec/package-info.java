/**
 * A file for each storage format: how its bytes are values. These are the specification; backends have faster ways, tested against it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Codecs}: the list of them
 * <li>{@link F32}, {@link F16}, {@link BF16}: floats
 * <li>{@link Q8_0}, {@link Q4_0}, {@link Q5_0}: blocks of 32 with a scale; {@link Q4_1}, {@link Q5_1}: with a minimum too
 * <li>{@link Q2_K}, {@link Q3_K}, {@link Q4_K}, {@link Q5_K}, {@link Q6_K}: blocks of 256
 * <li>{@link FiveBits}, {@link TwoBits}, {@link KScales}: how numbers are packed in more than one of them
 * <li>{@link RangeSearch}, {@link ScaleDescent}, {@link ScaleSearch}: how encoders of blocks of 256 look for scales
 * <li>io.jllm.quant.codec.eight: floats of 8 bits
 * <li>{@link Blocks}, {@link Groups}: what all of them share
 * </ul>
 */
package io.jllm.quant.codec;
