/**
 * What benchmarks measure.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Models}: which models are measured, and what they are asked
 * </ul>
 */
package io.jllm.jmh.models;
