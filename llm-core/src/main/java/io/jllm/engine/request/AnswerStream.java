package io.jllm.engine.request;

import io.jllm.ChatOutput;
import io.jllm.ChatStream;
import io.jllm.RequestHandle;
import io.jllm.TokenStream;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.answer.AnswerParser;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/** An answer taken apart on its reader's thread, piece by piece. */
public final class AnswerStream implements ChatStream {
    private final Answering answering;
    private final TokenStream stream;
    private final CompletableFuture<ChatOutput> result;

    public AnswerStream(Answering answering, TokenStream stream) {
        this.answering = answering;
        this.stream = stream;
        result = stream.result().thenApply(answering::output);
    }

    @Override
    public Iterator<AnswerPart> iterator() {
        return new Parts(stream.iterator(), answering.parser(0));
    }

    @Override
    public CompletableFuture<ChatOutput> result() {
        return result;
    }

    @Override
    public RequestHandle request() {
        return stream;
    }

    @Override
    public void close() {
        stream.close();
    }

    /** Reads pieces until they make a part. */
    private static final class Parts implements Iterator<AnswerPart> {
        private final Iterator<TokenStream.Piece> pieces;
        private final AnswerParser parser;
        private final Queue<AnswerPart> ready = new ArrayDeque<>();
        private boolean finished;

        Parts(Iterator<TokenStream.Piece> pieces, AnswerParser parser) {
            this.pieces = pieces;
            this.parser = parser;
        }

        @Override
        public boolean hasNext() {
            while (ready.isEmpty() && !finished) {
                if (pieces.hasNext()) {
                    ready.addAll(parser.push(pieces.next().text()));
                } else {
                    finished = true;
                    ready.addAll(parser.finish());
                }
            }
            return !ready.isEmpty();
        }

        @Override
        public AnswerPart next() {
            if (!hasNext()) {
                throw new NoSuchElementException("the answer has ended");
            }
            return ready.remove();
        }
    }
}
