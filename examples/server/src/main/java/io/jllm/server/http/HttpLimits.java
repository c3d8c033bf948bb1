package io.jllm.server.http;

import java.time.Duration;

/**
 * How much is let in, and for how long.
 *
 * @param maxBodyBytes the largest body of a request
 * @param maxRequests requests in hand at once
 * @param bodyTimeout in which a body has to come
 * @param writeTimeout for which a client may leave what is sent to it unread
 * @param keepAlive after how much silence something is written to a client that waits, to see whether it is there
 */
public record HttpLimits(int maxBodyBytes, int maxRequests, Duration bodyTimeout, Duration writeTimeout, Duration keepAlive) {
}
