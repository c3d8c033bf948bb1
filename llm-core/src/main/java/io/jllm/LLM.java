package io.jllm;

import io.jllm.adapter.Adapters;
import io.jllm.batch.Results;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.ChatTemplate;
import io.jllm.chat.Message;
import io.jllm.chat.tools.Conversation;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.model.ModelConfig;
import io.jllm.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A loaded model and its engine. Safe for all threads, virtual ones too: every call joins one continuous batch.
 *
 * <p>{@snippet :
 * try (LLM llm = LLM.load(Path.of("model.gguf")).open()) {
 *     System.out.println(llm.generate("Once upon a time", SamplingParams.greedy()).text());
 * }
 * }
 *
 * <p>Results of requests are values, failed ones too: one bad prompt of many fails alone, see {@link RequestOutput#error}. Whoever asks
 * a failed one for its {@link RequestOutput#text} gets what it failed with as an exception. Other exceptions are for misuse
 * ({@link IllegalArgumentException}), for a full queue ({@link RequestRejectedException}), for a closed LLM
 * ({@link IllegalStateException}) and for loading.
 *
 * <p><b>Threads.</b> One thread, the engine's, does all computing. Any other thread may call anything at any time; prompts are encoded
 * on the thread that calls. Logits processors and {@link EngineListener listeners} run on the engine's thread: they may call
 * everything that does not wait, and what waits ({@link #generate(List)}, {@link #beamSearch(List, BeamSearchParams)}, reading a stream
 * or {@link Results}) throws {@link IllegalStateException} there. Futures complete, and subscribers are called, on virtual threads, which may call
 * everything, {@link #close} too.
 *
 * <p><b>Who is served when.</b> Requests wait in a bounded queue ({@link LlmBuilder#maxQueuedRequests}) for a place in the batch, by
 * {@link SamplingParams#priority} and then by age. Of any nine that get one, at least one is the oldest that waits, so that no
 * priority starves. In each step all sequences that generate advance by a token; what is left of
 * {@link LlmBuilder#maxTokensPerStep} goes to prompts: half to the one that began first, half to the shortest, so that long prompts
 * do not block short ones and short ones do not starve long ones. When KV memory runs out, requests whose readers are behind are put
 * back first, then those of the worst priority, the youngest among equals.
 *
 * <p><b>Batch invariance.</b> A greedy or seeded request gives the same ids alone and in any batch, in one piece and in chunks, from the
 * prefix cache and computed anew, preempted and not, with one thread and with several. It does because, first, for each row and
 * token there is one order of summation: every kernel of a storage format, for one row or for many, adds in the same order, whatever
 * else is in the step. Second, attention is split by absolute position, never by chunk, page, thread or neighbour. Third, the
 * random source is counter-based (Philox): a token is drawn from the seed and its position alone. What keys and values the cache
 * holds of a token thus depends on the tokens before it only, and it does not matter who computed them. Each backend says how
 * far it keeps that rule; the CPU's does exactly. See {@link io.jllm.spi.Backend}.
 */
public interface LLM extends AutoCloseable {
    /** Prepares to load a GGUF file, or a Hugging Face folder (config.json, *.safetensors, tokenizer.json). Reads nothing yet. */
    static LlmBuilder load(Path model) {
        return new LlmBuilder(model);
    }

    /**
     * Generates for each request and waits for all; results in the order of the requests, one for each. A list of any length is fed
     * to the engine little by little: it waits for room in the queue, and leaves room to others.
     *
     * @throws java.util.concurrent.CancellationException if the thread is interrupted; the requests are cancelled
     */
    List<RequestOutput> generate(List<Request> requests);

    /**
     * Generates for as many requests as there are, as their results are taken: in their order, one at a time, in memory that a window of
     * requests bounds. {@link Results} says what holds. Begins nothing before the first is asked for.
     */
    Results<RequestOutput> generate(Iterator<Request> requests);

    /** Generates for each prompt with the same settings and waits for all; results in the order of the prompts. */
    default List<RequestOutput> generate(List<? extends Prompt> prompts, SamplingParams params) {
        return generate(prompts.stream().map(p -> new Request(p, params)).toList());
    }

    /** Generates for one text and waits. */
    default RequestOutput generate(String prompt, SamplingParams params) {
        return generate(List.of(Request.of(prompt, params))).getFirst();
    }

    /**
     * Generates for all requests, or none, without waiting. Cancelling the future cancels all of them.
     *
     * @return the results in the order of the requests, once all are there; never completes on the engine's thread
     * @throws RequestRejectedException if the queue has no room for all of them
     */
    CompletableFuture<List<RequestOutput>> generateAsync(List<Request> requests);

    /**
     * Generates for one text without waiting. Cancelling the future cancels the request.
     *
     * @throws RequestRejectedException if the queue is full
     */
    default CompletableFuture<RequestOutput> generateAsync(String prompt, SamplingParams params) {
        return submit(Request.of(prompt, params)).result();
    }

    /**
     * Starts a request and returns at once, before its first token.
     *
     * @throws RequestRejectedException if the queue is full
     */
    RequestHandle submit(Request request);

    /**
     * Starts a beam search and returns at once; see {@link #beamSearch(List, BeamSearchParams)}.
     *
     * @throws RequestRejectedException if the queue is full
     */
    RequestHandle submit(Prompt prompt, BeamSearchParams params);

    /**
     * Starts a request and returns at once; its text comes through the stream.
     *
     * @throws RequestRejectedException if the queue is full
     */
    TokenStream stream(Request request);

    /** The same for a prompt and its settings. */
    default TokenStream stream(Prompt prompt, SamplingParams params) {
        return stream(new Request(prompt, params));
    }

    /**
     * Searches for the most likely continuations of each prompt with beams and waits for all; results in the order of the prompts,
     * each with up to {@link BeamSearchParams#n} outputs, best first. A search that is cancelled gives what it had: finished texts
     * first, then running beams. As {@link #generate(List)}, it takes lists of any length and can be interrupted.
     */
    List<RequestOutput> beamSearch(List<? extends Prompt> prompts, BeamSearchParams params);

    /** Searches for the most likely continuations of one text and waits. */
    default RequestOutput beamSearch(String prompt, BeamSearchParams params) {
        return beamSearch(List.of(Prompt.of(prompt)), params).getFirst();
    }

    /**
     * Searches with beams from all prompts, or none, without waiting. Cancelling the future cancels all of the searches.
     *
     * @return the results in the order of the prompts, once all are there; never completes on the engine's thread
     * @throws RequestRejectedException if the queue has no room for all of them
     */
    CompletableFuture<List<RequestOutput>> beamSearchAsync(List<? extends Prompt> prompts, BeamSearchParams params);

    /**
     * Answers a conversation and waits: {@link Prompt#chat} by the model's chat template, and of the text that the model gives, reasoning, tool
     * calls and content apart.
     *
     * @param messages what was said, oldest first
     * @param options tools, template and its variables
     * @param params how to answer; {@code n} must be 1
     * @throws io.jllm.chat.ChatTemplateException if there is no template, or it refuses the conversation
     * @throws java.util.concurrent.CancellationException if the thread is interrupted; the request is cancelled
     */
    ChatOutput chat(List<Message> messages, ChatOptions options, SamplingParams params);

    /** The same without tools. */
    default ChatOutput chat(List<Message> messages, SamplingParams params) {
        return chat(messages, ChatOptions.defaults(), params);
    }

    /**
     * Answers as many conversations as there are, as {@link #generate(Iterator)}. Prompts are {@link Prompt#chat}, and {@code n} is 1; what is
     * otherwise, or what the template refuses, fails alone.
     */
    Results<ChatOutput> chat(Iterator<Request> conversations);

    /**
     * Answers a conversation with a value of a type: the answer is bound by the type's JSON schema, reasoning before it is free.
     *
     * @param type a record, or what else {@link io.jllm.schema.JsonType} knows
     * @throws io.jllm.schema.UnsupportedTypeException if it does not know the type
     * @throws IllegalStateException if the answer ended before it was whole, by the limit of tokens or the context; or the request was cancelled;
     *     or the answer is calls of tools, which {@link ChatOptions#callsOrConstraint} allows
     * @throws io.jllm.schema.JsonReadException if the type cannot hold what its schema admits: its constructor refuses it, or a number is too large
     */
    <T> T chat(List<Message> messages, ChatOptions options, SamplingParams params, Class<T> type);

    /** The same without tools. */
    default <T> T chat(List<Message> messages, SamplingParams params, Class<T> type) {
        return chat(messages, ChatOptions.defaults(), params, type);
    }

    /**
     * The same without waiting. Cancelling the future cancels the request.
     *
     * @throws RequestRejectedException if the queue is full
     */
    CompletableFuture<ChatOutput> chatAsync(List<Message> messages, ChatOptions options, SamplingParams params);

    /**
     * Starts to answer a conversation and returns at once; the answer comes in parts.
     *
     * @throws RequestRejectedException if the queue is full
     */
    ChatStream streamChat(List<Message> messages, ChatOptions options, SamplingParams params);

    /**
     * Makes a conversation ready to be answered, and starts nothing: for callers that want several answers, log-probabilities as they come, or
     * to know the prompt's tokens before.
     *
     * @throws io.jllm.chat.ChatTemplateException if there is no template, or it refuses the conversation
     * @throws IllegalArgumentException if the choice of tools cannot be kept
     */
    Request.Chat chatRequest(List<Message> messages, ChatOptions options, SamplingParams params);

    /**
     * Answers a conversation with the help of tools: what the model calls is run and told to it, until it answers without calls. A choice of tools
     * that demands calls is for the first answer.
     *
     * @param how the tools, and how often they may be run; they are told to the model beside those of the options
     * @throws RuntimeException what a request failed with
     */
    default Conversation.Transcript converse(List<Message> messages, Conversation how, ChatOptions options, SamplingParams params) {
        ChatOptions withTools = options.toBuilder().tools(how.tools().list()).build();
        return how.run(messages, soFar -> chat(soFar, soFar.size() == messages.size() ? withTools : withTools.afterCalls(), params).orThrow()
                .answer());
    }

    /** The model's chat templates; there may be none. */
    ChatTemplate chatTemplate();

    /**
     * Makes a vector of each text and waits for all; results in the order of the prompts. Texts are encoded as prompts are, with what the
     * model wants at their head and end; they join the batch that generates. As {@link #generate(List)}, it takes lists of any length and
     * can be interrupted, and a bad prompt, as one longer than the context, fails alone.
     *
     * @throws IllegalArgumentException if the model's vectors have fewer dimensions than asked for
     */
    List<EmbeddingOutput> embed(List<? extends Prompt> prompts, EmbeddingParams params);

    /** Makes vectors of as many texts as there are, as {@link #generate(Iterator)}. */
    Results<EmbeddingOutput> embed(Iterator<? extends Prompt> prompts, EmbeddingParams params);

    /**
     * The vector of one text, as the model's files say, of length 1.
     *
     * @throws RuntimeException what it failed with
     */
    default float[] embed(String text) {
        return embed(List.of(Prompt.of(text)), EmbeddingParams.defaults()).getFirst().vector();
    }

    /**
     * Makes a vector of each text, or of none, without waiting. Cancelling the future cancels all of them.
     *
     * @throws RequestRejectedException if the queue has no room for all of them
     */
    CompletableFuture<List<EmbeddingOutput>> embedAsync(List<? extends Prompt> prompts, EmbeddingParams params);

    /** Its adapters: which there are, and to load and unload more while it runs. */
    Adapters adapters();

    /** Sampling settings that the model's authors recommend (generation_config.json), neutral where they say nothing. */
    SamplingParams defaults();

    /** The model's tokenizer; it lives as long as this LLM. */
    Tokenizer tokenizer();

    /** The model's numbers. */
    ModelConfig config();

    /** Most positions of one sequence here: the model's, or what the builder was told, if less. */
    int maxContext();

    /** One line: model, backend, device, threads, kernels, and why a better choice was not taken. */
    String describe();

    /** The name of the backend that computes, as {@link LlmBuilder#backend} takes it. */
    String backend();

    /** The kernels in use, as a user names them. */
    String kernels();

    /** Memory held now, in bytes. */
    MemoryReport memory();

    /** What the engine has done so far and has in hand. */
    EngineMetrics metrics();

    /** Forgets the prefixes that requests share: the next one computes its whole prompt. */
    void resetPrefixCache();

    /**
     * Cancels what runs and waits, waits for the engine, and gives all memory back. Calls that wait for results return with what there
     * was; later calls throw {@link IllegalStateException}. Called on the engine's thread it returns at once, and the engine ends
     * after its step. Calling it again does nothing.
     */
    @Override
    void close();
}
