/** Which tier of kernels computes here: {@link io.jllm.cpu.tier.KernelChoice} puts them one behind the other. Not exported. */
package io.jllm.cpu.tier;
