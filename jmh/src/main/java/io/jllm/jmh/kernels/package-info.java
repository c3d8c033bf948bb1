/** The loops of the CPU backend by themselves: how fast they are, and whether they are right. */
package io.jllm.jmh.kernels;
