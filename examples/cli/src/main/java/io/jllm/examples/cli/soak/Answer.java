package io.jllm.examples.cli.soak;

import io.jllm.RequestOutput;
import io.jllm.TokenStream.Piece;
import java.util.List;
import java.util.Optional;

/**
 * What a caller got.
 *
 * @param turn what it asked, and how
 * @param output how the request ended; empty only for callers that were interrupted while they waited
 * @param pieces what it read, if it read
 * @param refusals how often the queue was full before the request found room
 */
record Answer(Turn turn, Optional<RequestOutput> output, List<Piece> pieces, int refusals) {
    /** Whether it read all that there was. */
    boolean readAll() {
        return switch (turn.manner()) {
            case STREAM, SLOW_STREAM, SUBSCRIBE -> true;
            default -> false;
        };
    }
}
