/** Hammers an engine with requests of every kind from many threads, and compares each answer with that of the same request alone. */
package io.jllm.examples.cli.soak;
