/**
 * What the engine tells of itself: counts, listeners, flight recordings.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link EngineMonitor}: is told of everything, counts it, and tells others
 * <li>{@link EngineCounts}, {@link RecentCounts}: counts so far, and rates of late
 * <li>{@link Listeners}: those of the application, whose failures touch nothing
 * <li>{@link FlightRecording}, {@link JfrListener}, {@link JfrEvents}: events in recordings of the JVM, where it has a recorder
 * </ul>
 */
package io.jllm.engine.watch;
