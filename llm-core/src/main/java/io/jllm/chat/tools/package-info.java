/**
 * Tools that do something: Java methods and functions that models call, and the loop that lets them.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ToolMethod}: marks a method that a model may call
 * <li>{@link Tools}: tools by name, and their calls; {@link MethodTools} makes them of methods
 * <li>{@link Conversation}: runs tools until the model answers without calls
 * </ul>
 */
package io.jllm.chat.tools;
