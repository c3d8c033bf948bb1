/**
 * From what a request says to what the engine gives, whatever the protocol.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Serving}: what all endpoints share
 * <li>{@link SamplingFields}, {@link Bounds}: how to generate, from the fields that the protocols have in common
 * <li>{@link ChatTask}: a conversation to be answered; {@link AnswerRun} while it is, giving {@link Delta}s and, in the end, {@link Finished}
 * <li>{@link Streams}: how streams are read, several at once if need be
 * <li>{@link Failures}: what goes wrong, as errors for clients
 * <li>{@link TokenTexts}: tokens as log-probabilities name them
 * </ul>
 */
package io.jllm.server.generation;
