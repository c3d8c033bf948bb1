/** The API. */
package io.jllm;
