/** Writing models as GGUF files, quantised or not. */
package io.jllm.convert;
