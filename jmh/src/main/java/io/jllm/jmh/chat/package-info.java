/**
 * Measurements of what chats add to prompts.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Rendering}: a long conversation by a chat template
 * </ul>
 */
package io.jllm.jmh.chat;
