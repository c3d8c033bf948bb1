/** Samplers. */
package io.jllm.sampling;
