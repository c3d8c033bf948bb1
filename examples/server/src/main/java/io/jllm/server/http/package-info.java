/**
 * HTTP: what a request and its reply are for the endpoints, and the server of the JDK behind that. Nothing outside of this package knows which
 * server it is.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Call}: a request and its reply, of one of three kinds: whole, JSON that is waited for, or {@link Events} as they come
 * <li>{@link Endpoint}, {@link Route}, {@link Routes}: who answers what; errors are {@link ApiError}s, written by {@link ErrorBodies}
 * <li>{@link HttpLimits}, {@link Guard}: how much, and who, is let in
 * <li>{@link Transport}: starts and stops; {@link JdkCall} is a call of its server, {@link Watch} looks after those that wait or are stuck in
 * {@link Writing}, {@link Tls} reads keys
 * <li>{@link AccessLine}: a line a request
 * </ul>
 */
package io.jllm.server.http;
