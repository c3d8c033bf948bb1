/**
 * From a GGUF file or a Hugging Face folder to a model: numbers, program, mapped weights, tokenizer, default settings.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ModelFiles}: the way in
 * <li>{@link LoadedModel}: what comes of it
 * <li>{@link LoadFailure}: why nothing does; {@link Background}: what threads make meanwhile
 * <li>{@link HuggingFaceFamily}: which family a folder is of
 * <li>{@link HuggingFaceKeys}, {@link GgufKeys}: the model's numbers, as config.json or GGUF metadata give them
 * <li>{@link RopeScaling}: how its rotation is stretched, as {@link HuggingFaceRope} and {@link GgufRope} say
 * <li>{@link GgufForm}: what is written of all that when a folder is converted
 * <li>{@link HuggingFaceQuantization}: which quantised folders can be read
 * <li>{@link SamplingDefaults}: the settings that its makers recommend
 * <li>{@link ChatTemplates}: the chat templates among its files
 * <li>{@link FolderContents}: what a folder holds instead of a model
 * </ul>
 */
package io.jllm.load;
