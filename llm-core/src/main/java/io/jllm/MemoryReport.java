package io.jllm;

/**
 * Memory in bytes.
 *
 * @param weights weights, mapped files included
 * @param kv KV pages in use or reserved
 * @param kvLimit KV pages at most
 * @param scratch activations and buffers
 */
public record MemoryReport(long weights, long kv, long kvLimit, long scratch) {
}
