/**
 * Quantised Hugging Face folders out of folders of floats: GPTQ and AWQ.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link FolderQuantizer}: the way in; {@link PackMethod}: what can be asked for
 * <li>{@link Chunks}: the text; {@link WorkFolder}: layers that are done; {@link Meter}: how far it has come
 * <li>{@link LayerPacker}: a layer, by {@link NearestPacker}, {@link GptqPacker} or {@link AwqPacker}, with what {@link PackContext} has
 * <li>{@link ExpertPacker}: GPTQ of experts
 * <li>{@link AwqSource}, {@link FloatVector}: what AWQ divides inputs by, and where
 * <li>{@link FolderConfig}: the result
 * </ul>
 */
package io.jllm.convert.packed;
