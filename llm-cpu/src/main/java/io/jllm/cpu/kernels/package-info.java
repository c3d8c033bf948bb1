/** The inner loops, scalar and with the Vector API; the only package that imports it. */
package io.jllm.cpu.kernels;
