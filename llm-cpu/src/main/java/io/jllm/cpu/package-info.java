/** The CPU backend. Found by the service loader: applications use {@code io.jllm.LLM}. */
package io.jllm.cpu;
