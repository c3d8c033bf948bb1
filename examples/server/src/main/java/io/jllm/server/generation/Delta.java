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
 */
public record Delta(int index, List<AnswerPart> parts, List<TokenLogprobs> tokens) {
    /** Takes them as they come. */
    @FunctionalInterface
    public interface Sink {
        /** @throws IOException if the client has gone */
        void take(Delta delta) throws IOException;
    }
}
