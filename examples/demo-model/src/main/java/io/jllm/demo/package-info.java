/** The demo model, fairytale-23m, as a file. */
package io.jllm.demo;
