/** What a backend implements. */
package io.jllm.spi;
