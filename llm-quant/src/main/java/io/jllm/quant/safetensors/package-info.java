/** safetensors files and Hugging Face folders. */
package io.jllm.quant.safetensors;
