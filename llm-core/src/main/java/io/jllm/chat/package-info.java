/**
 * Conversations: messages and tools in, answers with reasoning and tool calls out.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Message} with its {@link Role}: what was said
 * <li>{@link Tool}, {@link ToolCall}: what a model may call, and what it asked for
 * <li>{@link ToolChoice}: whether it must
 * <li>{@link ChatTemplate}, {@link ChatOptions}, {@link ContextOverflow}: a conversation becomes a {@link ChatPrompt}, or it is a
 * {@link ChatTemplateException}
 * <li>{@link CompiledTemplate}, {@link MessageValues}, {@link Continuation}: what templates are given
 * <li>{@link Answer}, {@link AnswerPart}: what it answered, whole and as it comes, by the {@link AnswerFormat} of its family
 * </ul>
 */
package io.jllm.chat;
