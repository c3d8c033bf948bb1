/**
 * The way in and the way out, on the callers' threads: what is asked for becomes a request of the engine, and results find their callers.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Work}: what is asked for, as data
 * <li>{@link Submission}: a place in the queue and a number for each request; waiting for results
 * <li>{@link Asked}, {@link WindowedResults}: requests without end, little by little
 * <li>{@link QueuePermits}: how many may wait, and who is next to add one
 * <li>{@link RequestFactory}: encodes the prompt, resolves settings, refuses what can never be computed; {@link NoText} stands in for a
 * tokenizer, {@link WrittenSpecials} shows special tokens
 * <li>{@link ChatPrompts}, {@link Answering}, {@link AnswerStream}: conversations; {@link RecentConstraints}: what their answers may be bound by,
 * {@link TypedAnswers}: as values of Java types
 * <li>{@link Embeddings}: one call for vectors of texts
 * <li>{@link LoadedAdapters}: the adapters that requests can name
 * <li>{@link PendingRequest}: the request as its caller holds it; {@link StreamingRequest} with text piece by piece, {@link PieceSubscription}
 * for a reactive reader; {@link CallbackExecutor} runs what applications hang on them
 * </ul>
 */
package io.jllm.engine.request;
