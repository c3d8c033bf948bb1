/**
 * How numbers lie in memory, for vectors and machine code alike. Whoever adds a format of weights begins here.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link WeightFormat}: a group of rows, rearranged
 * <li>{@link Layout}: how rows of a stored format become such groups: {@link FloatLayout}, {@link SimpleLayout}, {@link NibbleLayout},
 * {@link LevelsLayout}, {@link GroupLayout}, {@link SmallFloatLayout}, {@link SuperLayout}, {@link SixBitLayout}, {@link PairLayout}
 * <li>{@link Planes}, {@link CodeBook}, {@link Scales}: what the numbers of a group are
 * <li>{@link TokenFormat}, {@link BlockRows}, {@link Rows}: tokens, as products take them
 * <li>{@link BlockModel}: what a product of blocks is, to the last bit, in plain Java
 * <li>{@link ThinRows}, {@link ThinColumns}: matrices of low rank
 * <li>io.jllm.cpu.layout.attention: keys and values
 * </ul>
 */
package io.jllm.cpu.layout;
