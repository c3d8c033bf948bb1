/**
 * From a GGUF file or a Hugging Face folder to a model: numbers, program, mapped weights, tokenizer, default settings.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ModelFiles}: the way in
 * <li>{@link LoadedModel}: what comes of it
 * <li>the model's numbers, as config.json or GGUF metadata give them; {@link RopeScaling} stretches its rotation
 * <li>{@link HuggingFaceQuantization}: which quantised folders can be read
 * <li>{@link SamplingDefaults}: the settings that its makers recommend
 * <li>{@link FolderContents}: what a folder holds instead of a model
 * </ul>
 */
package io.jllm.load;
