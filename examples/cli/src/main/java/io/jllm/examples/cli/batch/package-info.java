/**
 * Files of requests, answered by a server of this process.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link BatchLine}: a line of such a file, and the line that answers it
 * <li>{@link BatchAnswers}: the file of answers, which a second run goes on with
 * <li>{@link BatchRun}: all lines, so many at a time
 * </ul>
 */
package io.jllm.examples.cli.batch;
