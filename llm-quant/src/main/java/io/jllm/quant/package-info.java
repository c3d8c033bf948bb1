/** Storage formats of weights. */
package io.jllm.quant;
