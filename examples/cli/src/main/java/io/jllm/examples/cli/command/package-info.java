/**
 * The commands, a class each, with their options and help.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Action}: a command, filled with its options
 * <li>{@link ChatCommand}, {@link RenderCommand}: conversations, and their prompts
 * <li>{@link PullCommand}: models by name; {@link ServeCommand}, {@link BatchCommand}: models over HTTP, and files of such requests
 * <li>{@link RunCommand}, {@link LogitsCommand}, {@link TokenizeCommand}, {@link EmbedCommand}: text, tokens, logits, vectors
 * <li>{@link PerplexityCommand}: how well a model foresees a text
 * <li>{@link InspectCommand}, {@link QuantizeCommand}, {@link ImatrixCommand}: files, and what quantising them minds, on {@link CpuBackends}
 * <li>{@link GrammarCommand}: what answers must look like
 * <li>{@link BenchCommand}, {@link SoakCommand}: speed, and life under load
 * </ul>
 */
package io.jllm.examples.cli.command;
