/**
 * What engines do, as meters of Micrometer by the names of vLLM, with the tag {@code model}.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link EngineMeters}: what an engine has in hand and has done so far, read when somebody asks
 * <li>{@link RequestMeters}: times and lengths of requests, told as they end
 * <li>{@link Names}: what all of them are called
 * </ul>
 */
package io.jllm.micrometer;
