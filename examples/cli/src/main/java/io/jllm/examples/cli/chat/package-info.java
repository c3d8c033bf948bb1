/**
 * Conversations on the command line.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ConversationOptions}: what they begin with, and how they become prompts
 * <li>{@link Dialogue}: a user and a model in turns, with the calls of tools between them
 * <li>{@link Lines}: what the user types: {@link TypedLines} on a terminal, {@link ReadLines} elsewhere
 * </ul>
 */
package io.jllm.examples.cli.chat;
