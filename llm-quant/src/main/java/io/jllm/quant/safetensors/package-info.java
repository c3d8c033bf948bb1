/** safetensors files, and Hugging Face folders of them under GGUF's names. */
package io.jllm.quant.safetensors;
