/**
 * Adapters: small weights beside a model's, by which some sequences of a batch are computed otherwise than others.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Adapters}: those of a loaded model, by name, as applications see them
 * <li>{@link Adapter}: what one changes, by the tensors of the model's program: what a backend is given
 * <li>{@link Change}: how a matrix changes: by {@link LowRank} products, {@link ReplacedRows}, factors and summands of its outputs, or as a whole
 * </ul>
 * Their files are read in {@code io.jllm.adapter.file}.
 */
package io.jllm.adapter;
