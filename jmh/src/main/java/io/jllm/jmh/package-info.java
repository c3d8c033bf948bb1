/**
 * Benchmarks, by JMH.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Main}: JMH's command line with jLLM's flags
 * <li>models: what is measured; engine: whole requests; chat, grammar: what comes before and beside them; cpu, kernels: parts of the CPU backend;
 * compare: beside other programs; results: rows as they are committed
 * </ul>
 */
package io.jllm.jmh;
