/**
 * What the HTTP server costs beside the engine that it leads to, clients and server in one JVM over the loopback.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link ServerBench}: the program
 * <li>{@link Load}: many clients at once, of the engine and of the server in turn
 * <li>{@link FirstByte}: one client, and how long it waits for the first piece
 * <li>{@link Asking}: somebody who asks, in either way; {@link Connection} is one to a server
 * </ul>
 */
package io.jllm.jmh.server;
