/**
 * Options that commands share, and how what was typed is read.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ModelChoice}, {@link ModelOptions}: which model, and on what
 * <li>{@link PromptOptions}, {@link Texts}, {@link TokenIds}: what to continue; {@link TextLines}: texts one a line
 * <li>{@link SamplingOptions}, {@link OutputOptions}, {@link ConstraintOptions}: how
 * <li>{@link Asked}: all of it, as a request
 * </ul>
 */
package io.jllm.examples.cli.options;
