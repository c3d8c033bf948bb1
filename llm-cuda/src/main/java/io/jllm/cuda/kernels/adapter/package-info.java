/**
 * Launchers of what adapters change. The sources are in {@code src/main/cuda/adapter}.
 *
 * <p>To read: {@link io.jllm.cuda.kernels.adapter.AdapterKernels} has each step by itself, for any number of rows;
 * {@link io.jllm.cuda.kernels.adapter.JoinedKernels} does several of them at once for a few rows.
 */
package io.jllm.cuda.kernels.adapter;
