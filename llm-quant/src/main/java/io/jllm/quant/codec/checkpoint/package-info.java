/**
 * Blocks that weights of quantised checkpoints are read as, and that stand in no file: see {@link io.jllm.quant.GroupedBlocks}.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link WholeNumberCodec}: numbers of 2, 3, 4 or 8 bits with a scale and a zero: GPTQ, AWQ, compressed-tensors
 * <li>{@link FourBitFloats}: places in a table with a scale: NF4 and FP4 of bitsandbytes
 * <li>{@link E2M1_64}: small floats with a scale that is one too, and a factor: NVFP4 of compressed-tensors, ModelOpt and GGUF files
 * <li>{@link S8_64}: signed bytes with a scale: LLM.int8()
 * <li>{@link F8_64}: floats of 8 bits with a scale, see {@link io.jllm.quant.Scaled}
 * </ul>
 */
package io.jllm.quant.codec.checkpoint;
