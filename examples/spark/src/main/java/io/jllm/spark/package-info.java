/**
 * Batch inference on Apache Spark: an engine in each executor, and rows of datasets through it.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link JllmPlugin}: the engine of an executor, from its start to its end; {@link EngineSettings}, {@link ExecutorEngine}
 * <li>{@link Inference}: what is asked for each row of a dataset; {@link Answering}, {@link Answers}, {@link RowRequests} do it in a task,
 * {@link Parameters} and {@link Conversations} read what stands in rows
 * <li>{@link BatchInference}: the program for files; {@link BatchOptions}, {@link FileFormat}, {@link OutputFolder}
 * </ul>
 */
package io.jllm.spark;
