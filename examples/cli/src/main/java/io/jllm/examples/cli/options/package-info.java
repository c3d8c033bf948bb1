/**
 * Options that commands share, and how what was typed is read.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ComputeOptions}: on what a model runs; {@link ModelChoice}, {@link ModelOptions}: which; {@link ServedModels}: which ones;
 * {@link AdaptedModelOptions}: with an adapter, at an {@link AdapterPlace}
 * <li>{@link PromptOptions}, {@link Texts}, {@link TokenIds}: what to continue; {@link TextLines}: texts one a line
 * <li>{@link SamplingOptions}, {@link OutputOptions}, {@link ConstraintOptions}: how
 * <li>{@link Asked}: all of it, as a request
 * <li>{@link PackOptions}: how a folder is quantised
 * </ul>
 */
package io.jllm.examples.cli.options;
