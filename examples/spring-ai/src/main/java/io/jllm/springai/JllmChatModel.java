package io.jllm.springai;

import io.jllm.ChatOutput;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.TokenStream;
import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.answer.AnswerParser;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingManager;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Chat with a model in the same JVM. All that call it, and streams, share the batch of one {@link LLM}, which the caller opens and closes. Safe for
 * all threads.
 *
 * <p>{@link #call} waits for room in the queue; interrupted, it cancels its request. {@link #stream} begins a request for each subscriber, refuses
 * with {@link io.jllm.RequestRejectedException} where the queue is full, generates no more than the subscriber keeps up with, and gives
 * the sequence's memory back when the subscription is cancelled. Its responses hold pieces of text; the last one holds calls of tools, the finish
 * reason and the usage. As of Spring AI 2, tools are run by {@code ChatClient}, not here.
 *
 * <p>Options of a prompt count as they are, and the model's own where a prompt has none. The finish reason is the name of a
 * {@link io.jllm.FinishReason}; the usage's native form is {@link io.jllm.RequestOutput.Metrics}, with the times. What cannot be done, such as
 * reading images, is an {@link IllegalArgumentException} that says so.
 */
public final class JllmChatModel implements ChatModel {
    /** The provider that observations name. */
    public static final String PROVIDER = "jllm";
    /** What the model thought before it answered: metadata of messages and generations, text. */
    public static final String THINKING = "thinking";
    /** The next piece of it: metadata of the messages of a stream, text. */
    public static final String THINKING_PIECE = "thinkingPiece";
    /** Metadata of generations: a list of {@link io.jllm.TokenLogprobs}, one a token. */
    public static final String LOGPROBS = "logprobs";

    private static final ChatModelObservationConvention CONVENTION = new DefaultChatModelObservationConvention();

    private final LLM llm;
    private final JllmChatOptions options;
    private final ChatRequests requests;
    private final ChatResponses responses;
    private final ObservationRegistry observations;
    private final ChatModelObservationConvention convention;

    private JllmChatModel(Builder b) {
        llm = b.llm;
        options = b.options.mutate().model(b.modelName).build();
        requests = new ChatRequests(llm, b.modelName, b.chatOptions, b.tools);
        responses = new ChatResponses(b.modelName);
        observations = b.observations;
        convention = b.convention;
    }

    /** A builder. */
    public static Builder builder(LLM llm) {
        return new Builder(llm);
    }

    /** The options of prompts that bring none. */
    @Override
    public JllmChatOptions getOptions() {
        return options;
    }

    @Override
    public ChatResponse call(Prompt prompt) {
        Prompt asked = withOptions(prompt);
        ChatModelObservationContext context = ChatModelObservationContext.builder().prompt(asked).provider(PROVIDER).build();
        return Objects.requireNonNull(observation(context).observe(() -> {
            ChatRequests.Asked what = requests.of(asked);
            ChatOutput output = llm.chat(what.messages(), what.options(), what.params()).orThrow();
            ChatResponse response = responses.whole(output.answer(), output.finishReason(), output.output());
            context.setResponse(response);
            return response;
        }), "response");
    }

    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        Prompt asked = withOptions(prompt);
        return Flux.deferContextual(view -> {
            ChatModelObservationContext context = ChatModelObservationContext.builder().prompt(asked).provider(PROVIDER).streaming(true).build();
            Observation observation = observation(context);
            observation.parentObservation(view.getOrDefault(ObservationThreadLocalAccessor.KEY, null)).start();
            Flux<ChatResponse> answer = Flux.defer(() -> answer(asked)).doOnError(observation::error)
                    .contextWrite(c -> c.put(ObservationThreadLocalAccessor.KEY, observation));
            var stopped = new AtomicBoolean();
            Runnable stop = () -> {
                if (stopped.compareAndSet(false, true)) {
                    observation.stop();
                }
            };
            // Before the caller sees the end, so that what it reads of its observations then has this one.
            return new MessageAggregator().aggregate(answer, context::setResponse).doOnTerminate(stop).doOnCancel(stop);
        });
    }

    private Flux<ChatResponse> answer(Prompt prompt) {
        ChatRequests.Asked what = requests.of(prompt);
        Request.Chat chat = llm.chatRequest(what.messages(), what.options(), what.params());
        TokenStream stream = llm.stream(chat.request());
        AnswerParser parser = chat.parser(0);
        Flux<ChatResponse> pieces = JdkFlowAdapter.flowPublisherToFlux(stream)
                .handle((piece, sink) -> responses.piece(stream.requestId(), parser.push(piece.text())).ifPresent(sink::next));
        return pieces.concatWith(Mono.fromFuture(stream.result()).map(output -> {
            List<AnswerPart> last = parser.finish();
            Answer answer = parser.answer();
            return responses.last(last, answer, chat.finishReason(answer, output.finishReason()), output);
        }));
    }

    private Observation observation(ChatModelObservationContext context) {
        return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(convention, CONVENTION, () -> context, observations);
    }

    private Prompt withOptions(Prompt prompt) {
        return prompt.getOptions() == null ? prompt.mutate().chatOptions(options).build() : prompt;
    }

    /** Puts a model together. For one thread. */
    public static final class Builder extends ModelBuilder<Builder, ChatModelObservationConvention> {
        private JllmChatOptions options = JllmChatOptions.builder().build();
        private io.jllm.chat.ChatOptions chatOptions = io.jllm.chat.ChatOptions.defaults();
        private ToolCallingManager tools = ToolCallingManager.builder().build();

        private Builder(LLM llm) {
            super(llm, CONVENTION);
        }

        @Override
        Builder self() {
            return this;
        }

        /** The options of prompts that bring none. */
        public Builder options(JllmChatOptions value) {
            options = Objects.requireNonNull(value, "value");
            return this;
        }

        /** How conversations become prompts: a template instead of the model's, what is left out where they grow too long, and so on. */
        public Builder chatOptions(io.jllm.chat.ChatOptions value) {
            chatOptions = Objects.requireNonNull(value, "value");
            return this;
        }

        /** Who finds the tools that options name. */
        public Builder toolCallingManager(ToolCallingManager value) {
            tools = Objects.requireNonNull(value, "value");
            return this;
        }

        /** The model. */
        public JllmChatModel build() {
            return new JllmChatModel(this);
        }
    }
}
