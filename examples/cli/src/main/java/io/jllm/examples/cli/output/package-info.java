/**
 * What commands print: results to standard output, everything else to standard error.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Console}, {@link Output}, {@link Log}: the two ways out, and the library's log among the words for people
 * <li>{@link Json}, {@link Results}: results as JSON
 * <li>{@link Failures}, {@link BadInput}, {@link Failed}: exceptions as exit codes and lines
 * <li>{@link Interruption}, {@link ResidentMemory}: Ctrl-C; memory of the process
 * <li>{@link WholeLines}: files that are written line by line
 * </ul>
 */
package io.jllm.examples.cli.output;
