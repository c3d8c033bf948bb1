/**
 * The loops with the Vector API: the only package that imports it, so that the others load where it is off.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link VectorProbe}: whether the processor has vectors worth using
 * <li>{@link VectorKernels}: the contract of floats; {@link VectorDots}, {@link VectorMath}, {@link VectorRows}, {@link VectorActivations},
 * {@link VectorRope}, {@link VectorAttention}, {@link VectorHalfKv}, {@link VectorByteKv} do its parts
 * <li>{@link VectorProducts}: the contract of rearranged weights; {@link VectorTokens} quantises what they meet
 * <li>{@link VectorRow}, {@link VectorSums}, {@link VectorCodes}: one token
 * <li>{@link VectorUnpack}, {@link VectorScales}, {@link VectorTiles}, {@link VectorTile}: several
 * <li>{@link VectorThin}, {@link VectorThinColumns}: matrices of low rank
 * <li>{@link VectorDecoder}: floats of rearranged weights
 * <li>{@link VectorFloatProducts}, {@link VectorFloats}, {@link VectorEights}: weights that are floats
 * </ul>
 */
package io.jllm.cpu.vector;
