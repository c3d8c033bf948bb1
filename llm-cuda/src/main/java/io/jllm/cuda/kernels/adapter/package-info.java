/** Launches of the kernels of {@code adapter/}: what adapters add to products. */
package io.jllm.cuda.kernels.adapter;
