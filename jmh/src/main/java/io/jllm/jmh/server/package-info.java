/**
 * What the HTTP server costs beside the engine that it leads to, over the loopback.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ServerBench}: the program
 * <li>{@link Load}: many clients at once, of the engine and of the server in turn; those of the server are {@link Clients} in a
 * {@link ClientProcess}
 * <li>{@link FirstByte}: one client, and how long it waits for the first piece
 * <li>{@link Asking}: somebody who asks, in either way; {@link Connection} is one to a server, who reads a {@link Reply}
 * </ul>
 */
package io.jllm.jmh.server;
