/** Text to token ids and back. */
package io.jllm.tokenizer;
