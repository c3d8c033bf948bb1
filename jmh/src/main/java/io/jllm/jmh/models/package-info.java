/**
 * What benchmarks measure with.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Models}: models to load, and what to ask of them
 * <li>{@link RandomAdapter}: adapters of random weights for them
 * </ul>
 */
package io.jllm.jmh.models;
