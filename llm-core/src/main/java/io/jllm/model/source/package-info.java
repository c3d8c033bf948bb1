/** What model files say of a model: {@code config.json} and GGUF metadata. */
package io.jllm.model.source;
