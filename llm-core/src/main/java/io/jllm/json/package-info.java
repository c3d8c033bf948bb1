/**
 * JSON of model folders, and what all readers of model files share: complaints that name file, key, value and limit. Hidden, so that no type of
 * a JSON library is part of the API.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ConfigJson}: an object of a file, read with checks
 * <li>{@link JsonParts}: parts of a tree that may be missing
 * <li>{@link SmallFiles}: other files, as a whole
 * <li>{@link EndIds}: the end tokens that config.json and generation_config.json name
 * <li>{@link FileErrors}: why a file cannot be read, for people
 * </ul>
 */
package io.jllm.json;
