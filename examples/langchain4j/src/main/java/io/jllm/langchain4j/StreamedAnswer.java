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
    private final Map<Integer, CallPieces> calls = new HashMap<>();
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
            case AnswerPart.CallStart(int index, String id, String name) -> calls.put(index, new CallPieces(index, id, name));
            case AnswerPart.CallArguments(int index, String text) -> arguments(calls.get(index), text);
            case AnswerPart.CallEnd(int index) -> end(calls.get(index));
        }
    }

    private void arguments(CallPieces call, String text) {
        if (counts(call)) {
            String ready = call.add(text);
            if (!ready.isEmpty()) {
                onPartialToolCall(handler, call.partial(ready), handle);
            }
        }
    }

    private void end(CallPieces call) {
        if (counts(call)) {
            called = true;
            if (!call.held().isBlank()) {
                onPartialToolCall(handler, call.partial(call.held()), handle);
            }
            if (!handle.isCancelled()) {
                onCompleteToolCall(handler, call.complete());
            }
        }
    }

    private boolean counts(CallPieces call) {
        return !ask.oneCall() || call.index == 0;
    }

    /** A call in pieces, none of which is blank: what says nothing by itself waits for what follows, or goes with what came before. */
    private static final class CallPieces {
        private final int index;
        private final String id;
        private final String name;
        private final StringBuilder all = new StringBuilder();
        private final StringBuilder held = new StringBuilder();

        CallPieces(int index, String id, String name) {
            this.index = index;
            this.id = id;
            this.name = name;
        }

        /** Takes more of the arguments; what can be given away, or nothing. */
        String add(String text) {
            all.append(text);
            String before = held.toString();
            boolean ready = !text.isBlank() && !before.isBlank() && !before.strip().equals("{");
            if (ready) {
                held.setLength(0);
            }
            held.append(text);
            return ready ? before : "";
        }

        String held() {
            return held.toString();
        }

        PartialToolCall partial(String arguments) {
            return PartialToolCall.builder().index(index).id(id).name(name).partialArguments(arguments).build();
        }

        CompleteToolCall complete() {
            return new CompleteToolCall(index, ToolExecutionRequest.builder().id(id).name(name).arguments(all.toString()).build());
        }
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
