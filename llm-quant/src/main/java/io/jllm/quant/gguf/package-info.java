/** GGUF files. */
package io.jllm.quant.gguf;
