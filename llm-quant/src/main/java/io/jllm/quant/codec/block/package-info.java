/**
 * What codecs and encoders share.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Blocks}: access to stored bytes, and the checks before loops
 * <li>{@link TwoBits}, {@link FourBits}, {@link FiveBits}, {@link KScales}: how small numbers are packed; {@link SmallFloats}: what
 * those of four bits stand for that are floats
 * <li>{@link Groups}, {@link Rounding}: what encoders ask of values
 * <li>{@link RangeSearch}, {@link ScaleSearch}, {@link ScaleDescent}, {@link PositiveScale}: how they look for scales
 * <li>{@link Importance}: columns that matter more than others; {@link WeighedEncoder} for encoders that heed it
 * <li>{@link KSearch}, {@link WeighedBlocks}: whole blocks, as several formats have them
 * </ul>
 */
package io.jllm.quant.codec.block;
