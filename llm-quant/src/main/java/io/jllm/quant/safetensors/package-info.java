/**
 * Safetensors files, and Hugging Face folders of them under GGUF's names.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SafetensorsFile}, {@link SafetensorsHeader}: one file
 * <li>{@link HuggingFaceWeights}: a folder of them; {@link ShardIndex} says which file holds which tensor
 * <li>{@link HuggingFaceNames}: what a family's checkpoints call their tensors
 * <li>{@link StrictJson}: JSON of files that nobody vouches for
 * </ul>
 */
package io.jllm.quant.safetensors;
