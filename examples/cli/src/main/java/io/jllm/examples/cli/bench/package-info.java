/**
 * Measurements of speed by the engine's own times.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Bench}: one caller or a batch
 * <li>{@link ServingBench}, {@link Clients}: many callers at once
 * <li>{@link KvUse}: how well sequences fill their KV blocks
 * <li>{@link RequestLines}: a recorded mix of requests
 * <li>{@link BenchFigures}: what was measured
 * </ul>
 */
package io.jllm.examples.cli.bench;
