/**
 * Safetensors files, and Hugging Face folders of them under GGUF's names.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link SafetensorsFile}, {@link SafetensorsHeader}: one file
 * <li>{@link HuggingFaceWeights}: a folder of them, or of PyTorch's; {@link CheckpointFiles} finds its files, of which {@link ShardIndex} says
 * which holds which {@link CheckpointTensor}
 * <li>{@link EightBitScales}, {@link ScaleBlock}: floats of 8 bits and their scales
 * <li>{@link PackedTensors}: packed weights in place of their parts, {@link PackedModule}, as {@link PackedForm} says: {@link GptqWeights},
 * {@link AwqWeights}, {@link FourBitFloats}, {@link SignedNumbers}, {@link CompressedWeights}, {@link SmallFloats}; {@link BitStream},
 * {@link StoredNumbers}: numbers
 * <li>{@link SafetensorsWriter}: writes files and folders of {@link StoredTensor}s; {@link GroupNumbers} makes those of packed weights
 * <li>{@link HuggingFaceNames}: what a family's checkpoints call their tensors
 * <li>{@link StrictJson}: JSON of files that nobody vouches for
 * </ul>
 */
package io.jllm.quant.safetensors;
