/**
 * Reads adapters from files, and says what they change of a model's program.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link AdapterFiles}: opens one, of either form, or merges it into a model's weights ({@link MergedWeights})
 * <li>{@link PeftAdapter}: a folder that peft wrote: {@link PeftConfig} with {@link ModulePatterns}, and {@link PeftModule}s of {@link PeftFile}
 * <li>{@link GgufAdapter}: a file of llama.cpp's converter
 * <li>{@link ProgramTensors}: which tensors of a program the modules of a checkpoint are, row by row
 * <li>{@link Magnitudes}: the factors of DoRA
 * </ul>
 */
package io.jllm.adapter.file;
