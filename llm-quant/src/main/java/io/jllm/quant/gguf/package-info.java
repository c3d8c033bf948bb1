/**
 * GGUF files, the format of llama.cpp: reading, writing, and the values of their metadata.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link GgufFile}: an open file, of one part or several
 * <li>{@link GgufHeader}, {@link GgufCursor}: everything in front of the data, read with suspicion
 * <li>{@link GgufPart}, {@link GgufSplit}: models in several files
 * <li>{@link ScaledTensors}, {@link Nvfp4Blocks}: tensors in NVFP4 and their factors
 * <li>{@link GgufMetadata}, {@link GgufValue}, {@link PackedTexts}: keys and values
 * <li>{@link GgufWriter}, {@link GgufOutput}, {@link Bounded}, {@link Target}: writing; {@link PartJournal}, {@link Digesting}: going on where
 *     that was broken off
 * </ul>
 */
package io.jllm.quant.gguf;
