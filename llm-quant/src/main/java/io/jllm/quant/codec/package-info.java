/**
 * A file for each storage format: how its bytes are values. These are the specification; backends have faster ways, tested against it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Codecs}: the list of them
 * <li>{@link F32}, {@link F16}, {@link BF16}: floats
 * <li>{@link Q8_0}, {@link Q4_0}: blocks of 32 with a scale
 * <li>{@link Q4_K}, {@link Q5_K}, {@link Q6_K}: blocks of 256; {@link KScales} are the packed scales of the first two
 * <li>{@link Blocks}, {@link ScaleSearch}: what they share
 * </ul>
 */
package io.jllm.quant.codec;
