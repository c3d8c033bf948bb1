/** Benchmarks, by JMH. */
package io.jllm.jmh;
