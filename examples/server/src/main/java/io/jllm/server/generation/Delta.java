package io.jllm.server.generation;

import io.jllm.TokenLogprobs;
import io.jllm.chat.AnswerPart;
import java.io.IOException;
import java.util.List;

/**
 * What came next of an answer.
 *
 * @param index which answer
 * @param parts what was understood; may be none
 * @param tokens what was generated since the last one
 * @param more whether the next one is there already, so that this one need not be sent on its own
 */
public record Delta(int index, List<AnswerPart> parts, List<TokenLogprobs> tokens, boolean more) {
    /** Takes them as they come. */
    @FunctionalInterface
    public interface Sink {
        /** @throws IOException if the client has gone */
        void take(Delta delta) throws IOException;
    }
}
