/**
 * A file of questions, answered.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link InferRun}: the questions, asked so many at a time; a question that cannot be answered has its error as its answer
 * <li>{@link Answers}: where the answers go; what is there already is not asked again
 * </ul>
 */
package io.jllm.examples.cli.infer;
