package io.jllm.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/** All that a handler is told. */
final class Heard implements StreamingChatResponseHandler {
    final CompletableFuture<ChatResponse> response = new CompletableFuture<>();
    final CompletableFuture<StreamingHandle> handle = new CompletableFuture<>();
    final List<String> order = new CopyOnWriteArrayList<>();
    final List<PartialToolCall> pieces = new CopyOnWriteArrayList<>();
    final List<CompleteToolCall> calls = new CopyOnWriteArrayList<>();
    private final StringBuffer text = new StringBuffer();
    private final StringBuffer thinking = new StringBuffer();

    @Override
    public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
        handle.complete(context.streamingHandle());
        order.add("text");
        text.append(part.text());
    }

    @Override
    public void onPartialThinking(PartialThinking part) {
        order.add("thinking");
        thinking.append(part.text());
    }

    @Override
    public void onPartialToolCall(PartialToolCall part) {
        order.add("piece");
        pieces.add(part);
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall call) {
        order.add("call");
        calls.add(call);
    }

    @Override
    public void onCompleteResponse(ChatResponse complete) {
        order.add("complete");
        response.complete(complete);
    }

    @Override
    public void onError(Throwable error) {
        order.add("error");
        response.completeExceptionally(error);
    }

    String text() {
        return text.toString();
    }

    String thinking() {
        return thinking.toString();
    }
}
