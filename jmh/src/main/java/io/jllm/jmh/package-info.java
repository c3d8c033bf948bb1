/**
 * Benchmarks, by JMH.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Main}: JMH's command line with jLLM's flags
 * <li>{@link Models}: which models are measured, and what they are asked
 * <li>engine: whole requests; cpu, kernels: parts of the CPU backend; compare: beside other programs; results: rows as they are committed
 * </ul>
 */
package io.jllm.jmh;
