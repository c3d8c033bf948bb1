package io.jllm.server;

import io.jllm.chat.ChatOptions;
import io.jllm.server.anthropic.MessageTokens;
import io.jllm.server.anthropic.Messages;
import io.jllm.server.generation.Bounds;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.ErrorBodies;
import io.jllm.server.http.Route;
import io.jllm.server.http.Transport;
import io.jllm.server.metrics.Meter;
import io.jllm.server.model.Models;
import io.jllm.server.openai.ChatCompletions;
import io.jllm.server.openai.Completions;
import io.jllm.server.openai.EmbeddingList;
import io.jllm.server.openai.LoraAdapters;
import io.jllm.server.openai.ModelList;
import io.jllm.server.openai.TokenLists;
import io.jllm.server.responses.Responses;
import io.jllm.server.service.Description;
import io.jllm.server.service.Health;
import io.jllm.server.service.MetricsPage;
import io.jllm.server.service.Pages;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;

/**
 * An HTTP server that speaks the protocols of OpenAI and Anthropic for models of this JVM. Safe for all threads.
 *
 * <p>{@snippet :
 * try (LlmServer server = LlmServer.builder().model("tale", LLM.load(Path.of("model.gguf"))).port(8000).start()) {
 *     System.out.println(server.uri());
 *     Thread.currentThread().join();
 * }
 * }
 *
 * <p><b>Endpoints.</b> {@code /v1/chat/completions}, {@code /v1/completions}, {@code /v1/embeddings}, {@code /v1/models}, {@code /v1/responses};
 * {@code /v1/messages} and {@code /v1/messages/count_tokens}; vLLM's {@code /tokenize}, {@code /detokenize},
 * {@code /v1/load_lora_adapter} and {@code /v1/unload_lora_adapter}; {@code /health}, {@code /metrics} and
 * {@code /openapi.json}. Fields that nobody knows are passed over, as clients expect it; those that would change an answer and are not supported are
 * refused by name, and so is what is out of its range.
 *
 * <p><b>Clients that leave.</b> Their requests end, and free their memory, in the queue, while a prompt is read, and while an answer is generated,
 * streamed or not. To see them go the server writes blank lines before JSON and comments between events, see {@link LlmServerBuilder#keepAlive}.
 *
 * <p><b>The server of the JDK</b> is behind it ({@code jdk.httpserver}), which reads some system properties when its first class is loaded; set them
 * before. {@code -Dsun.net.httpserver.nodelay=true} has small pieces of a stream sent at once, which else may take 40 ms on Linux;
 * {@code -Dsun.net.httpserver.maxReqTime=SECONDS} closes connections on which the head of a request does not come, and
 * {@code -Djdk.httpserver.maxConnections=N} limits their number.
 */
public final class LlmServer implements AutoCloseable {
    private final Models models;
    private final Transport transport;
    private final boolean tls;

    LlmServer(Models models, Serving serving, boolean adapterLoading, Transport.Settings settings) throws IOException {
        this.models = models;
        tls = settings.tls().isPresent();
        transport = Transport.start(settings, routes(serving, adapterLoading));
    }

    /** A server that is put together. */
    public static LlmServerBuilder builder() {
        return new LlmServerBuilder();
    }

    static Serving serving(Models models, ChatOptions chat) {
        return new Serving(models, chat, new Meter(), new Bounds(), Serving.now());
    }

    private static List<Route> routes(Serving serving, boolean adapterLoading) {
        var tokens = new TokenLists(serving);
        var models = new ModelList(serving);
        var adapters = new LoraAdapters(serving, adapterLoading);
        return List.of(
                Route.of("POST", "/v1/chat/completions", new ChatCompletions(serving)),
                Route.of("POST", "/v1/completions", new Completions(serving)),
                Route.of("POST", "/v1/embeddings", new EmbeddingList(serving)),
                Route.of("POST", "/v1/responses", new Responses(serving)),
                Route.of("POST", "/v1/messages", new Messages(serving)).with(ErrorBodies.ANTHROPIC),
                Route.of("POST", "/v1/messages/count_tokens", new MessageTokens(serving)).with(ErrorBodies.ANTHROPIC),
                Route.of("POST", "/tokenize", tokens::tokenize),
                Route.of("POST", "/detokenize", tokens::detokenize),
                Route.of("POST", "/v1/load_lora_adapter", adapters::load),
                Route.of("POST", "/v1/unload_lora_adapter", adapters::unload),
                Route.of("GET", ModelList.PATH, models),
                Route.of("GET", ModelList.PATH + "/*", models),
                Route.of("GET", "/metrics", new MetricsPage(serving)),
                Route.of("GET", "/health", new Health(serving)).opened(),
                Route.of("GET", "/openapi.json", new Description()).opened(),
                Route.of("GET", "/", new Pages()).opened(),
                Route.of("GET", "/*", new Pages()).opened());
    }

    /** Where it is asked, without a slash at the end; by a name of this machine for itself where it listens to all addresses. */
    public URI uri() {
        InetSocketAddress address = transport.address();
        InetAddress ip = address.getAddress();
        String host = ip.isAnyLocalAddress() ? "127.0.0.1" : ip.getHostAddress();
        return URI.create((tls ? "https" : "http") + "://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort());
    }

    /** The port on which it listens. */
    public int port() {
        return transport.address().getPort();
    }

    /** Requests in hand. */
    public int activeRequests() {
        return transport.active();
    }

    /**
     * Answers new requests with 503, gives those in hand time to end ({@link LlmServerBuilder#stopTimeout}), ends them, stops, and closes the
     * models that it has opened.
     */
    @Override
    public void close() {
        transport.close();
        models.close();
    }
}
