package io.jllm.engine.request;

import io.jllm.ChatOutput;
import io.jllm.FinishReason;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatTemplate;
import io.jllm.chat.Message;
import io.jllm.chat.answer.AnswerParser;
import io.jllm.chat.answer.ReasoningMarks;
import io.jllm.constraint.Constraint;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

/** One conversation that is to be answered: the request for it, and how its text is taken apart. */
public final class Answering {
    private final Request request;
    private final AnswerFormat format;
    private final ChatOptions options;
    private final String prompt;
    private final long ids = ThreadLocalRandom.current().nextLong();

    /**
     * @throws io.jllm.chat.ChatTemplateException if there is no template, or it refuses the conversation
     * @throws IllegalArgumentException if the parameters ask for more than one answer
     */
    public Answering(ChatPrompts prompts, ChatTemplate template, List<Message> messages, ChatOptions options, SamplingParams params) {
        if (params.n() != 1) {
            throw new IllegalArgumentException("a conversation gets one answer, and n is " + params.n() + "; to draw several, generate from Prompt.chat");
        }
        this.options = options;
        ChatPrompts.Encoded encoded = prompts.encode(new Prompt.Chat(messages, options), params.maxTokens());
        prompt = encoded.prompt().text();
        format = options.answerFormat().orElseGet(() -> template.source(options).map(AnswerFormat::detect).orElse(AnswerFormat.PLAIN));
        SamplingParamsBuilder builder = params.toBuilder().skipSpecialTokens(false);
        params.constraint().map(this::behindReasoning).ifPresent(builder::constraint);
        request = new Request(Prompt.ofTokens(encoded.ids()), builder.build());
    }

    /** What the caller asks for is the answer's, not what the model thinks before it. */
    private Constraint behindReasoning(Constraint answer) {
        return ReasoningMarks.of(format, prompt).map(m -> Constraint.behindReasoning(answer, m.open(), m.close())).orElse(answer);
    }

    /** What to ask the engine for. */
    public Request request() {
        return request;
    }

    /** A parser at the beginning of the answer; all of them give calls the same ids. */
    AnswerParser parser() {
        return AnswerParser.builder(format).tools(options.tools()).prompt(prompt).idsBy(new Random(ids)).build();
    }

    /** The answer of a request that has ended. */
    public ChatOutput output(RequestOutput done) {
        AnswerParser parser = parser();
        parser.push(done.outputs().getFirst().text());
        parser.finish();
        boolean calls = done.finishReason() == FinishReason.STOP && !parser.answer().toolCalls().isEmpty();
        return new ChatOutput(parser.answer(), calls ? FinishReason.TOOL_CALLS : done.finishReason(), done);
    }
}
