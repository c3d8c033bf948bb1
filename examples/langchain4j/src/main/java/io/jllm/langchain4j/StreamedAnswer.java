package io.jllm.langchain4j;

import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onCompleteResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onCompleteToolCall;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialThinking;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialToolCall;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.withLoggingExceptions;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import io.jllm.FinishReason;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.answer.AnswerParser;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An answer while it comes, given to a handler by a thread of its own. */
final class StreamedAnswer {
    private final ChatAsk ask;
    private final StreamingChatResponseHandler handler;
    private final Handle handle = new Handle();
    private final Map<Integer, OpenCall> calls = new HashMap<>();
    private boolean called;

    StreamedAnswer(ChatAsk ask, StreamingChatResponseHandler handler) {
        this.ask = ask;
        this.handler = handler;
    }

    void start() {
        Thread.ofVirtual().name("jllm-langchain4j").start(this::run);
    }

    private void run() {
        try {
            Request.Chat chat = ask.prepare();
            try (TokenStream stream = ask.llm().stream(chat.request())) {
                handle.stream = stream;
                read(chat, stream);
            }
        } catch (RuntimeException e) {
            if (!handle.isCancelled()) {
                withLoggingExceptions(() -> handler.onError(Failures.of(e)));
            }
        }
    }

    private void read(Request.Chat chat, TokenStream stream) {
        AnswerParser parser = chat.parser(0);
        for (TokenStream.Piece piece : stream) {
            give(parser.push(piece.text()));
            if (handle.isCancelled()) {
                return;
            }
            if (ask.oneCall() && called) {
                stream.cancel(); // nothing that follows counts
                break;
            }
        }
        give(parser.finish());
        if (handle.isCancelled()) {
            return;
        }
        RequestOutput output = stream.result().join();
        boolean cut = ask.oneCall() && called;
        if (!cut) {
            Failures.check(output, ask);
        }
        Answer answer = parser.answer();
        FinishReason reason = cut ? FinishReason.TOOL_CALLS : chat.finishReason(answer, output.finishReason());
        onCompleteResponse(handler, Answers.response(ask, ask.oneCall() ? Answers.firstCall(answer) : answer, reason, output));
    }

    private void give(List<AnswerPart> parts) {
        for (AnswerPart part : parts) {
            if (handle.isCancelled()) {
                return;
            }
            give(part);
        }
    }

    private void give(AnswerPart part) {
        switch (part) {
            case AnswerPart.Content(String text) -> onPartialResponse(handler, text, handle);
            case AnswerPart.Reasoning(String text) -> onPartialThinking(handler, text, handle);
            case AnswerPart.CallStart(int index, String id, String name) -> calls.put(index, new OpenCall(index, id, name, new StringBuilder()));
            case AnswerPart.CallArguments(int index, String text) -> arguments(calls.get(index), text);
            case AnswerPart.CallEnd(int index) -> end(calls.get(index));
        }
    }

    private void arguments(OpenCall call, String text) {
        if (counts(call.index)) {
            call.arguments.append(text);
            var piece = PartialToolCall.builder().index(call.index).id(call.id).name(call.name).partialArguments(text).build();
            onPartialToolCall(handler, piece, handle);
        }
    }

    private void end(OpenCall call) {
        if (counts(call.index)) {
            called = true;
            onCompleteToolCall(handler, new CompleteToolCall(call.index,
                    ToolExecutionRequest.builder().id(call.id).name(call.name).arguments(call.arguments.toString()).build()));
        }
    }

    private boolean counts(int index) {
        return !ask.oneCall() || index == 0;
    }

    /** A call whose arguments are coming. */
    private record OpenCall(int index, String id, String name, StringBuilder arguments) {
    }

    /** Cancels the request. Safe for all threads. */
    private static final class Handle implements StreamingHandle {
        private volatile boolean cancelled;
        private volatile TokenStream stream;

        @Override
        public void cancel() {
            cancelled = true;
            stream.cancel(); // handlers get the handle after the stream was there
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }
    }
}
