/** One file for each model family. */
package io.jllm.model.arch;
