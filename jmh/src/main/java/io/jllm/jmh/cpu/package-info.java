/** Measurements of the CPU backend's parts. */
package io.jllm.jmh.cpu;
