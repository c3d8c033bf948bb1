/** The CUDA backend. */
package io.jllm.cuda;
