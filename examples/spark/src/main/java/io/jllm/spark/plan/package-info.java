/**
 * What a large job will take, before machines are paid for: a simulation of executors that answer partitions of rows.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Plan}: the program: many sizes of clusters and partitions, a line of JSON each
 * <li>{@link EngineRates}: how fast one engine is, from measurements; {@link Workload}: how long rows are; {@link Cluster}: machines and what
 * happens to them
 * <li>{@link Simulation}: executors, the driver's queue of partitions, and time; {@link SimulatedExecutor}: one engine and its batch
 * <li>{@link Forecast}: what came of it
 * </ul>
 */
package io.jllm.spark.plan;
