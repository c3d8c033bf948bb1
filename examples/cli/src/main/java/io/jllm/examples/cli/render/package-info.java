/**
 * Conversations in files, in the form of the OpenAI API.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ConversationFile}: messages, tools and options of a file, or what is wrong with it and where
 * <li>{@link QuestionLine}: one of many in a file, a line each
 * <li>{@link Place}: a part of a JSON file that knows where it stands
 * </ul>
 */
package io.jllm.examples.cli.render;
