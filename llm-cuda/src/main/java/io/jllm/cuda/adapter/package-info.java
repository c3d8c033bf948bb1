/**
 * Adapters on the device: small weights beside a model's, by which some rows of a step are computed otherwise than others.
 *
 * <p>To read: {@link io.jllm.cuda.adapter.AdapterSet} has those that are loaded and the table by which kernels find them;
 * {@code AdapterWeights} is one of them, made of {@code Piece}s; {@link io.jllm.cuda.adapter.Places} numbers what adapters can change of a program,
 * {@link io.jllm.cuda.adapter.Uses} says what they do change, {@code AdaptedRows} brings to the device which rows of a step are whose.
 * {@code AdapterOps} in {@code io.jllm.cuda.compile} launches kernels on them.
 */
package io.jllm.cuda.adapter;
