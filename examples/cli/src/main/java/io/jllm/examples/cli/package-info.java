/**
 * The program behind the script llm.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Main}: starts it
 * <li>{@link Arguments}: what was typed, in any locale
 * <li>{@link Cli}: the commands, and how one is run
 * <li>command: a class each command; options: what they take; output: what they print;
 * bench, soak, inspect, perplexity, render, chat, infer, batch: what the larger ones do
 * </ul>
 */
package io.jllm.examples.cli;
