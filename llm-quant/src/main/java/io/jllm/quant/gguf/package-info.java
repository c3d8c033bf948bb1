/** GGUF files, the format of llama.cpp: reading, writing, and the values of their metadata. */
package io.jllm.quant.gguf;
