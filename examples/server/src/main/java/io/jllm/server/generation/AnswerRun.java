package io.jllm.server.generation;

import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.TokenStream;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.answer.AnswerParser;
import io.jllm.server.http.ApiError;
import io.jllm.server.metrics.Meter;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/** A conversation while it is answered. For one thread; to be closed, which ends what still runs. */
public final class AnswerRun implements AutoCloseable {
    private final Lease model;
    private final Meter meter;
    private final ChatTask task;
    private final Request.Chat chat;
    private final TokenStream stream;
    private boolean counted;

    private AnswerRun(Lease model, Meter meter, ChatTask task, Request.Chat chat, TokenStream stream) {
        this.model = model;
        this.meter = meter;
        this.task = task;
        this.chat = chat;
        this.stream = stream;
    }

    /**
     * Starts to answer.
     *
     * @throws io.jllm.server.http.ApiError if it cannot be answered
     */
    public static AnswerRun start(Serving serving, Lease model, ChatTask task) throws InterruptedException {
        Request.Chat chat = prepare(model.llm(), task);
        TokenStream stream = Failures.started(model.llm(), () -> model.llm().stream(chat.request()));
        return new AnswerRun(model, serving.meter(), task, chat, stream);
    }

    /** A task made ready, and not started. */
    public static Request.Chat prepare(LLM llm, ChatTask task) {
        try {
            return llm.chatRequest(task.messages(), task.options(), task.params());
        } catch (RuntimeException e) {
            throw Failures.of(e);
        }
    }

    public LLM llm() {
        return model.llm();
    }

    /** Tokens of the prompt. */
    public int promptTokens() {
        return stream.progress().promptTokens();
    }

    /**
     * Passes on what comes, to the end.
     *
     * @throws IOException if the client has gone
     */
    public Finished read(Delta.Sink sink) throws IOException, InterruptedException {
        List<AnswerParser> parsers = IntStream.range(0, task.params().n()).mapToObj(chat::parser).toList();
        var called = new AtomicBoolean();
        try {
            Streams.read(List.of(stream), (_, piece, more) -> {
                if (!called.get()) {
                    List<AnswerPart> parts = kept(parsers.get(piece.index()).push(piece.text()));
                    sink.take(new Delta(piece.index(), parts, piece.token().stream().toList(), more));
                    if (task.oneCall() && task.params().n() == 1 && parts.stream().anyMatch(AnswerPart.CallEnd.class::isInstance)) {
                        called.set(true); // nothing that follows counts
                        stream.cancel();
                    }
                }
            });
        } catch (ApiError e) {
            count(Failures.result(stream));
            throw e;
        }
        for (int i = 0; i < parsers.size() && !called.get(); i++) {
            List<AnswerPart> last = kept(parsers.get(i).finish());
            if (!last.isEmpty()) {
                sink.take(new Delta(i, last, List.of(), true));
            }
        }
        return finished(Failures.result(stream), parsers.stream().map(AnswerParser::answer).toList());
    }

    /** Waits for the end. */
    public Finished await() throws InterruptedException {
        if (task.oneCall()) {
            try {
                return read(_ -> { });
            } catch (IOException e) {
                throw new UncheckedIOException(e); // which nobody throws here
            }
        }
        RequestOutput output = Failures.result(stream);
        return finished(output, output.outputs().stream().map(chat::answer).toList());
    }

    private Finished finished(RequestOutput output, List<Answer> answers) {
        count(output);
        Failures.check(model.llm(), output);
        var all = new ArrayList<Finished.One>();
        for (int i = 0; i < answers.size(); i++) {
            Answer answer = kept(answers.get(i));
            boolean called = task.oneCall() && !answer.toolCalls().isEmpty();
            FinishReason reason = called ? FinishReason.TOOL_CALLS : chat.finishReason(answer, output.outputs().get(i).finishReason());
            all.add(new Finished.One(answer, reason, output.outputs().get(i)));
        }
        return new Finished(output, all);
    }

    private void count(RequestOutput output) {
        if (!counted) {
            counted = true;
            meter.ended(model.model(), output);
        }
    }

    /** Without calls behind the first, where only one is wanted. */
    private List<AnswerPart> kept(List<AnswerPart> parts) {
        return !task.oneCall() ? parts : parts.stream().filter(part -> switch (part) {
            case AnswerPart.CallStart c -> c.index() == 0;
            case AnswerPart.CallArguments c -> c.index() == 0;
            case AnswerPart.CallEnd c -> c.index() == 0;
            case AnswerPart.Content _, AnswerPart.Reasoning _ -> true;
        }).toList();
    }

    private Answer kept(Answer answer) {
        boolean more = answer.toolCalls().size() > 1 || !answer.toolCalls().isEmpty() && answer.unfinished().isPresent();
        return !task.oneCall() || !more ? answer
                : new Answer(answer.content(), answer.reasoning(), answer.toolCalls().subList(0, 1), Optional.empty());
    }

    /** Ends it, if it still runs. */
    @Override
    public void close() {
        stream.close();
        if (!counted) {
            counted = true;
            stream.result().thenAccept(output -> meter.ended(model.model(), output));
        }
    }
}
