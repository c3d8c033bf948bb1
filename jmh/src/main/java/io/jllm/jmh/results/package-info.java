/**
 * Results as they are committed.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ResultLines}: a line of JSON each
 * <li>{@link Provenance}: which sources, which machine, which JVM
 * </ul>
 */
package io.jllm.jmh.results;
