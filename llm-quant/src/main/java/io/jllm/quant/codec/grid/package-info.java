/**
 * Codecs whose stored numbers are not steps of a scale but places in a table: the points of a grid, of which one stands for 4 or 8 values at
 * once, or 16 levels that lie closer near zero.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Grid}: the grids, from {@code grids.txt} beside this package's classes
 * <li>{@link IQ2_XXS}, {@link IQ2_XS}, {@link IQ2_S}: two bits a value and some
 * <li>{@link IQ3_XXS}, {@link IQ3_S}: three
 * <li>{@link IQ1_S}, {@link IQ1_M}: one and a half
 * <li>{@link Levels}: the 16 levels, and the search for a scale under them
 * <li>{@link IQ4_NL}, {@link IQ4_XS}: four bits a value, which are numbers of levels
 * </ul>
 */
package io.jllm.quant.codec.grid;
