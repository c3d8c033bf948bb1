/**
 * A model layer by layer: what its matrices are multiplied with, without loading all of it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Layer}: ops of a program between two places; {@link Stage}: products of one input
 * <li>{@link Linear}: a module of the checkpoint that such a product is of
 * <li>{@link ExpertStage}: matrices of experts of one input; {@link Expert}: a module of the checkpoint that is one of them
 * <li>{@link LayerRunner}: computes values of a layer; {@link Overlay}: with other tensors than the model's
 * <li>{@link HiddenFile}: what layers are given, on the disk
 * </ul>
 */
package io.jllm.convert.packed.layer;
