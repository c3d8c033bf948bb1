/**
 * The commands, a class each, with their options and help.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Action}: a command, filled with its options
 * <li>{@link ChatCommand}: conversations
 * <li>{@link RunCommand}, {@link LogitsCommand}, {@link TokenizeCommand}, {@link EmbedCommand}: text, tokens, logits, vectors
 * <li>{@link PerplexityCommand}: how well a model foresees a text
 * <li>{@link InspectCommand}, {@link QuantizeCommand}: files
 * <li>{@link BenchCommand}, {@link SoakCommand}: speed, and life under load
 * </ul>
 */
package io.jllm.examples.cli.command;
