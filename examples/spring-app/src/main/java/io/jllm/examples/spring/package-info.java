/**
 * An application of Spring Boot that tells tales.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link TaleApplication}: starts, with the demo model if no other is named
 * <li>{@link TaleController}: answers over HTTP, whole and as it comes
 * </ul>
 */
package io.jllm.examples.spring;
