/**
 * Floats of 8 bits, of which there are so few that each format is a table of its values. Source: "FP8 Formats for Deep Learning"
 * (Micikevicius et al., 2022) and the OCP specification of 8-bit floating point; E8M0 from that of microscaling formats.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link F8_E4M3}, {@link F8_E5M2}: numbers with a sign, for weights
 * <li>{@link F8_E8M0}: powers of two, for scales
 * <li>{@link EightBits}: what they share
 * </ul>
 */
package io.jllm.quant.codec.eight;
