/**
 * Results of as many requests as there are, one at a time. Calls that take an {@link java.util.Iterator} of requests give them.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Results}: what such a call gives: order, memory, failures, threads, and ending early
 * </ul>
 */
package io.jllm.batch;
