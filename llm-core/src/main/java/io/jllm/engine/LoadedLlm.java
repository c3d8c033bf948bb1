package io.jllm.engine;

import io.jllm.BeamSearchParams;
import io.jllm.ChatOutput;
import io.jllm.ChatStream;
import io.jllm.EngineListener;
import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.MemoryReport;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.adapter.Adapters;
import io.jllm.batch.Results;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatTemplate;
import io.jllm.chat.Message;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.engine.request.AnswerStream;
import io.jllm.engine.request.Answering;
import io.jllm.engine.request.Asked;
import io.jllm.engine.request.CallbackExecutor;
import io.jllm.engine.request.ChatPrompts;
import io.jllm.engine.request.Embeddings;
import io.jllm.engine.request.LoadedAdapters;
import io.jllm.engine.request.QueuePermits;
import io.jllm.engine.request.RequestFactory;
import io.jllm.engine.request.Submission;
import io.jllm.engine.request.TypedAnswers;
import io.jllm.engine.request.Work;
import io.jllm.engine.schedule.RotationRule;
import io.jllm.engine.schedule.SchedulerLimits;
import io.jllm.engine.step.EngineLoop;
import io.jllm.engine.watch.Listeners;
import io.jllm.load.LoadedModel;
import io.jllm.model.ModelConfig;
import io.jllm.schema.JsonType;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.tokenizer.Tokenizer;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The engine over one loaded model and one runner. Requests are checked and encoded on their callers' threads. */
public final class LoadedLlm implements LLM {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** Rows of logits for log-probabilities of prompts take at most this many bytes in a step. */
    private static final long PROMPT_ROW_BYTES = 64L << 20;

    private final LoadedModel model;
    private final Backend backend;
    private final ModelRunner runner;
    private final EngineLoop loop;
    private final int maxContext;
    private final ChatPrompts chats;
    private final TypedAnswers typed = new TypedAnswers();
    private final LoadedAdapters adapters;
    private final RequestFactory requests;
    private final QueuePermits room;
    private final CallbackExecutor callbacks;
    private final Submission callers;

    /**
     * Prepares a model on a backend and starts the engine. It owns both from here on, and closes them if it fails.
     *
     * @param listeners are told what the engine does
     *
     * @throws ModelLoadException if it cannot be loaded: every reason
     */
    public LoadedLlm(LoadedModel model, Backend backend, EngineOptions options, List<EngineListener> listeners) {
        this.model = model;
        this.backend = backend;
        ModelRunner opened = null;
        CallbackExecutor running = null;
        EngineWarmUp warmUp = EngineWarmUp.NONE;
        try {
            ModelConfig config = model.config();
            model.check(backend.unsupported(model.program(), model.weights()));
            maxContext = options.contextOf(config.maxContext());
            int maxTokens = Math.max(options.maxTokensPerStep().orElse(backend.tokensPerStep()), options.maxSequences());
            long promptRows = Math.clamp(PROMPT_ROW_BYTES / (4L * config.vocab()), 1, maxTokens);
            var limits = new SchedulerLimits(maxTokens, options.maxSequences(), options.maxSequences() + (int) promptRows,
                    options.blockSize(), options.prefixCache());
            warmUp = EngineWarmUp.begin(model);
            long blocks = (long) Math.ceilDiv(maxContext, options.blockSize()) * options.maxSequences();
            opened = backend.load(model.program(), model.weights(), new RunnerOptions(maxTokens, options.maxSequences(),
                    limits.maxLogitRows(), options.blockSize(), (int) Math.min(blocks, Integer.MAX_VALUE / options.blockSize()), options.kvBytes(),
                    options.kvType().orElse(backend.kvType())));
            runner = opened;
            chats = new ChatPrompts(model, maxContext);
            room = new QueuePermits(options.maxQueuedRequests());
            boolean tries = options.maxTokensPerStep().isEmpty() && backend.measuresSteps();
            SchedulerLimits found = tries ? StepTrial.of(runner, config.vocab(), maxContext, limits) : limits;
            loop = new EngineLoop(runner, config.vocab(), maxContext, found, RotationRule.of(model.program()), Listeners.of(listeners),
                    this::release);
            adapters = new LoadedAdapters(model, loop);
            requests = new RequestFactory(model, chats, adapters::chosen, maxContext, options.maxSequences(), options.blockSize(), runner.blocks());
            warmUp.await();
            running = new CallbackExecutor();
            callbacks = running;
            callers = new Submission(requests, loop, room, callbacks, options.maxSequences());
            loop.start();
        } catch (Throwable t) {
            warmUp.end(); // which uses the model
            Optional.ofNullable(running).ifPresent(CallbackExecutor::close);
            closeAfter(t, Optional.ofNullable(opened), model, backend);
            throw t;
        }
    }

    /** Closes what was opened before something failed; what fails in turn is told beside that. */
    private static void closeAfter(Throwable failure, Optional<ModelRunner> opened, LoadedModel model, Backend backend) {
        try (model; backend; ModelRunner _ = opened.orElse(null)) {
            LOG.log(System.Logger.Level.DEBUG, "loading {0} failed", model.description());
        } catch (Throwable t) {
            if (t != failure) {
                failure.addSuppressed(t);
            }
        }
    }

    @Override
    public List<RequestOutput> generate(List<Request> batch) {
        return callers.all(batch.stream().map(LoadedLlm::generate).toList(), "generate");
    }

    @Override
    public Results<RequestOutput> generate(Iterator<Request> source) {
        return callers.each(source, r -> Asked.of(generate(r), output -> output), "generate");
    }

    @Override
    public CompletableFuture<List<RequestOutput>> generateAsync(List<Request> batch) {
        return callers.allNow(batch.stream().map(LoadedLlm::generate).toList());
    }

    @Override
    public RequestHandle submit(Request request) {
        return callers.submit(generate(request));
    }

    @Override
    public RequestHandle submit(Prompt prompt, BeamSearchParams params) {
        return callers.submit(new Work.Search(prompt, params));
    }

    @Override
    public TokenStream stream(Request request) {
        return callers.stream(generate(request));
    }

    @Override
    public List<RequestOutput> beamSearch(List<? extends Prompt> prompts, BeamSearchParams params) {
        return callers.all(searches(prompts, params), "beamSearch");
    }

    @Override
    public CompletableFuture<List<RequestOutput>> beamSearchAsync(List<? extends Prompt> prompts, BeamSearchParams params) {
        return callers.allNow(searches(prompts, params));
    }

    @Override
    public ChatOutput chat(List<Message> messages, ChatOptions options, SamplingParams params) {
        Answering answering = chatRequest(messages, options, params).alone();
        return answering.output(generate(List.of(answering.request())).getFirst());
    }

    @Override
    public Results<ChatOutput> chat(Iterator<Request> source) {
        return callers.each(source, r -> Answering.asked(chats, model.chatTemplate(), r), "chat");
    }

    @Override
    public <T> T chat(List<Message> messages, ChatOptions options, SamplingParams params, Class<T> type) {
        return typed.read(JsonType.of(type), params, bound -> chat(messages, options, bound));
    }

    @Override
    public CompletableFuture<ChatOutput> chatAsync(List<Message> messages, ChatOptions options, SamplingParams params) {
        Answering answering = chatRequest(messages, options, params).alone();
        return Submission.made(submit(answering.request()).result(), answering::output);
    }

    @Override
    public ChatStream streamChat(List<Message> messages, ChatOptions options, SamplingParams params) {
        Answering answering = chatRequest(messages, options, params).alone();
        return new AnswerStream(answering, stream(answering.request()));
    }

    @Override
    public Answering chatRequest(List<Message> messages, ChatOptions options, SamplingParams params) {
        return new Answering(chats, model.chatTemplate(), messages, options, params);
    }

    @Override
    public ChatTemplate chatTemplate() {
        return model.chatTemplate();
    }

    @Override
    public List<EmbeddingOutput> embed(List<? extends Prompt> prompts, EmbeddingParams params) {
        return new Embeddings(model, params, callers).all(prompts);
    }

    @Override
    public Results<EmbeddingOutput> embed(Iterator<? extends Prompt> source, EmbeddingParams params) {
        return new Embeddings(model, params, callers).each(source);
    }

    @Override
    public CompletableFuture<List<EmbeddingOutput>> embedAsync(List<? extends Prompt> prompts, EmbeddingParams params) {
        return new Embeddings(model, params, callers).allNow(prompts);
    }

    private static Work generate(Request r) {
        return new Work.Generate(r.prompt(), r.params());
    }

    private static List<Work> searches(List<? extends Prompt> prompts, BeamSearchParams params) {
        return prompts.stream().<Work>map(p -> new Work.Search(p, params)).toList();
    }

    @Override
    public SamplingParams defaults() {
        return model.defaults();
    }

    @Override
    public Tokenizer tokenizer() {
        return requests.tokenizer();
    }

    @Override
    public Adapters adapters() {
        return adapters;
    }

    @Override
    public ModelConfig config() {
        return model.config();
    }

    @Override
    public int maxContext() {
        return maxContext;
    }

    @Override
    public String describe() {
        return model.description() + "; " + backend.describe();
    }

    @Override
    public String backend() {
        return backend.name();
    }

    @Override
    public String kernels() {
        return backend.kernels();
    }

    @Override
    public MemoryReport memory() {
        return loop.memory();
    }

    @Override
    public EngineMetrics metrics() {
        return loop.metrics();
    }

    @Override
    public void resetPrefixCache() {
        loop.resetPrefixCache();
    }

    @Override
    public void close() {
        loop.close();
    }

    private void release() {
        room.close();
        try (model; backend; runner; callbacks) {
            LOG.log(System.Logger.Level.DEBUG, "closing {0}", model.description());
        }
    }
}
