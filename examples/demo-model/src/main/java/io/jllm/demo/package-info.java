/**
 * The demo model, fairytale-23m, as a file.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link DemoModel}: where it lies
 * <li>{@link ResourceCopy}: how it gets out of a jar
 * </ul>
 */
package io.jllm.demo;
