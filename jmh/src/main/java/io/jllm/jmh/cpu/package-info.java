/**
 * Measurements of the CPU backend's parts.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link DecodeAtDepth}: a token after none, a thousand and eight thousand others, with each type of KV cache
 * </ul>
 */
package io.jllm.jmh.cpu;
