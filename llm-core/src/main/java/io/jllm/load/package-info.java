/**
 * From a GGUF file or a Hugging Face folder to a model: numbers, program, mapped weights, tokenizer, default settings.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ModelFiles}: the way in
 * <li>{@link LoadedModel}: what comes of it
 * <li>{@link HuggingFaceConfig}, {@link GgufConfig}: the model's numbers, as either kind of file gives them; {@link RopeScaling} stretches its
 * rotation
 * <li>{@link SamplingDefaults}: the settings that its makers recommend
 * <li>{@link RenamedWeights}: tensors under other names; {@link FolderContents}: what a folder holds instead of a model
 * </ul>
 */
package io.jllm.load;
