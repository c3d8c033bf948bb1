/**
 * Launchers of attention, of what stands before it, and of chains, which attend too.
 *
 * <p>To read: {@link io.jllm.cuda.kernels.attention.AttentionKernels} has what all of them are given; then
 * {@link io.jllm.cuda.kernels.attention.FlashKernels} for prompts and {@link io.jllm.cuda.kernels.attention.DecodeKernels} for single queries, both
 * with {@link io.jllm.cuda.kernels.attention.TensorHeads}; {@link io.jllm.cuda.kernels.attention.RotatedKernels} for products that rotate;
 * {@link io.jllm.cuda.kernels.attention.HeadKernels} for what the usual models do not have, and
 * {@link io.jllm.cuda.kernels.attention.AttentionCut} says where that is; {@link io.jllm.cuda.kernels.attention.ChainKernels} with
 * {@link io.jllm.cuda.kernels.attention.Task}.
 */
package io.jllm.cuda.kernels.attention;
