package io.jllm.engine.request;

import io.jllm.ChatOutput;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.SamplingParamsBuilder;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerFormat;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatTemplate;
import io.jllm.chat.Message;
import io.jllm.chat.ToolChoice;
import io.jllm.chat.answer.AnswerParser;
import io.jllm.chat.answer.ReasoningMarks;
import io.jllm.constraint.Constraint;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

/** One conversation that is to be answered: the request for it, and how its texts are taken apart. */
public final class Answering implements Request.Chat {
    private final Request request;
    private final AnswerFormat format;
    private final ChatOptions options;
    private final String prompt;
    private final long ids = ThreadLocalRandom.current().nextLong();

    /**
     * @throws io.jllm.chat.ChatTemplateException if there is no template, or it refuses the conversation
     * @throws IllegalArgumentException if the choice of tools cannot be kept
     */
    public Answering(ChatPrompts prompts, ChatTemplate template, List<Message> messages, ChatOptions options, SamplingParams params) {
        this.options = options;
        ChatPrompts.Encoded encoded = prompts.encode(new Prompt.Chat(messages, options), params.maxTokens());
        prompt = encoded.prompt().text();
        Optional<String> source = template.source(options);
        format = options.answerFormat().orElseGet(() -> source.map(AnswerFormat::detect).orElse(AnswerFormat.PLAIN));
        SamplingParamsBuilder builder = params.toBuilder().skipSpecialTokens(false);
        bound(prompts.bounds(), source.orElse(""), params.constraint()).ifPresent(builder::constraint);
        request = new Request(Prompt.ofTokens(encoded.ids()), builder.build());
    }

    /** What the caller and the choice of tools ask for is the answer's, not what the model thinks before it. */
    private Optional<Constraint> bound(ToolBounds bounds, String source, Optional<Constraint> answer) {
        boolean either = answer.isPresent() && options.callsOrConstraint() && bounds.mayCall(options);
        Optional<Constraint> calls = either ? Optional.of(bounds.required(format, source, options.tools())) : bounds.calls(format, source, options);
        if (calls.isPresent() && answer.isPresent() && !either) {
            throw new IllegalArgumentException("the answer is bound by a constraint and to " + calls.get() + ": give one of them, the constraint of "
                    + "SamplingParams or ChatOptions.toolChoice and strictTools");
        }
        if (format == AnswerFormat.HARMONY) { // there calls hold the messages that are reasoning
            return either(calls, answer.map(a -> behindReasoning(bounds, a)));
        }
        return either(calls, answer).map(a -> behindReasoning(bounds, a));
    }

    private Constraint behindReasoning(ToolBounds bounds, Constraint answer) {
        return ReasoningMarks.of(format, prompt).map(m -> bounds.behind(m, answer)).orElse(answer);
    }

    private static Optional<Constraint> either(Optional<Constraint> calls, Optional<Constraint> answer) {
        return calls.isPresent() && answer.isPresent() ? Optional.of(Constraint.anyOf(calls.get(), answer.get())) : calls.or(() -> answer);
    }

    /** One conversation of many: a request whose prompt is none fails, as does a conversation that cannot be made ready. */
    public static Asked<ChatOutput> asked(ChatPrompts prompts, ChatTemplate template, Request request) {
        try {
            if (!(request.prompt() instanceof Prompt.Chat(List<Message> messages, ChatOptions options))) {
                throw new IllegalArgumentException("chat answers conversations, and this prompt is none; make one by Prompt.chat, or call generate");
            }
            Answering answering = new Answering(prompts, template, messages, options, request.params()).alone();
            return Asked.of(new Work.Generate(answering.request.prompt(), answering.request.params()), answering::output);
        } catch (IllegalArgumentException e) {
            var none = new Answer("", Optional.empty(), List.of(), Optional.empty());
            return new Asked<>(new Work.Generate(request.prompt(), request.params()), Optional.of(e),
                    failed -> new ChatOutput(none, failed.finishReason(), failed));
        }
    }

    /**
     * The same where one answer is all that the caller can be given.
     *
     * @throws IllegalArgumentException if the parameters ask for more than one
     */
    public Answering alone() {
        int n = request.params().n();
        if (n != 1) {
            throw new IllegalArgumentException("a conversation gets one answer, and n is " + n + "; to draw several, generate from Prompt.chat or "
                    + "LLM.chatRequest");
        }
        return this;
    }

    @Override
    public Request request() {
        return request;
    }

    @Override
    public AnswerParser parser(int index) {
        boolean calls = !(options.toolChoice() instanceof ToolChoice.None);
        return AnswerParser.builder(format).tools(options.tools()).calls(calls).prompt(prompt).idsBy(new Random(ids + index)).build();
    }

    /** The answer of a request that has ended. */
    public ChatOutput output(RequestOutput done) {
        Answer answer = answer(done.outputs().getFirst());
        return new ChatOutput(answer, finishReason(answer, done.finishReason()), done);
    }
}
