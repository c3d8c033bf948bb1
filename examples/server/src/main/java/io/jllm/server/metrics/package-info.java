/**
 * What Prometheus is told, by the names that vLLM has for it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Meter}: counts requests as they end
 * <li>{@link Histogram}: how often a value was how large
 * <li>{@link Exposition}: all of it as text
 * </ul>
 */
package io.jllm.server.metrics;
