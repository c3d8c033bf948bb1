package io.jllm.server;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.server.http.Guard;
import io.jllm.server.http.HttpLimits;
import io.jllm.server.http.Tls;
import io.jllm.server.http.Transport;
import io.jllm.server.model.Loading;
import io.jllm.server.model.ModelSource;
import io.jllm.server.model.Models;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Settings of a server; {@link #start} starts it. Every setting but the models has a default. For one thread. */
public final class LlmServerBuilder {
    private static final System.Logger LOG = System.getLogger("io.jllm.server");
    private static final int MAX_PORT = 65535;

    private final List<ModelSource> sources = new ArrayList<>();
    private final Map<String, String> aliases = new LinkedHashMap<>();
    private final Map<String, Map<String, Path>> adapters = new LinkedHashMap<>();
    private final Set<String> pinned = new TreeSet<>();
    private final List<String> keys = new ArrayList<>();
    private final List<String> hosts = new ArrayList<>();
    private final List<String> origins = new ArrayList<>();
    private String host = "127.0.0.1";
    private int port = 8000;
    private boolean adapterLoading;
    private int maxLoaded = Integer.MAX_VALUE;
    private Duration loadTimeout = Duration.ofMinutes(10);
    private ChatOptions chat = ChatOptions.defaults();
    private int maxBodyBytes = 16 << 20;
    private int maxRequests = 2048;
    private Duration bodyTimeout = Duration.ofSeconds(30);
    private Duration writeTimeout = Duration.ofSeconds(30);
    private Duration keepAlive = Duration.ofMillis(500);
    private Duration stopTimeout = Duration.ofSeconds(10);
    private Consumer<String> accessLog = line -> LOG.log(System.Logger.Level.DEBUG, line);
    private Consumer<String> notices = line -> LOG.log(System.Logger.Level.INFO, line);
    private Optional<Path> certificates = Optional.empty();
    private Optional<Path> key = Optional.empty();

    LlmServerBuilder() {
    }

    /** Adds a model that is open, and stays so when the server stops. The first model is the one that is meant where a request names none. */
    public LlmServerBuilder model(String name, LLM llm) {
        Objects.requireNonNull(llm, "llm");
        sources.add(new ModelSource(name, _ -> llm, false, true, Map.of()));
        return this;
    }

    /**
     * Adds a model that is loaded when it is first asked for, or by {@link #pin} at the start; the server closes it. What it will take is said
     * before, and where its device has less, models that are not in use are unloaded, the longest unused first, but for pinned ones.
     */
    public LlmServerBuilder model(String name, LlmBuilder model) {
        sources.add(new ModelSource(name, beforeLoading -> model.beforeLoading(beforeLoading).open(), true, false, Map.of()));
        return this;
    }

    /** The same, opened in a way of one's own; called again after it was unloaded. What it takes is not known before. */
    public LlmServerBuilder model(String name, Supplier<LLM> opener) {
        sources.add(new ModelSource(name, _ -> opener.get(), true, false, Map.of()));
        return this;
    }

    /** Adds another name for a model. */
    public LlmServerBuilder alias(String alias, String model) {
        aliases.put(alias, model);
        return this;
    }

    /**
     * Adds an adapter, which is loaded with its model, each time: requests that ask for its name as their model are answered by the model with it.
     * Adapters that a model was opened with are there by their names, too, while it is loaded.
     *
     * @param path as {@link io.jllm.adapter.Adapters#load} takes it
     */
    public LlmServerBuilder adapter(String model, String name, Path path) {
        check(!name.isBlank(), "the name of an adapter of " + model + " is blank");
        check(adapters.computeIfAbsent(model, _ -> new LinkedHashMap<>()).putIfAbsent(name, path) == null, "two adapters have the name " + name);
        return this;
    }

    /**
     * Lets requests load and unload adapters, as vLLM's {@code /v1/load_lora_adapter} and {@code /v1/unload_lora_adapter}; default: they may not.
     * Whoever may ask the server then has it open any path of its machine.
     */
    public LlmServerBuilder allowAdapterLoading() {
        adapterLoading = true;
        return this;
    }

    /** Loads a model at the start, and keeps it. */
    public LlmServerBuilder pin(String name) {
        pinned.add(name);
        return this;
    }

    /**
     * Most models that are loaded at once, at least 1; default all. For another one the model that was not used longest is unloaded, if it is neither
     * in use nor pinned; where all are in use the request waits for one, as long as {@link #loadTimeout} says. It gets 503 where all are pinned.
     */
    public LlmServerBuilder maxLoadedModels(int count) {
        check(count >= 1, "maxLoadedModels must be at least 1, was " + count);
        maxLoaded = count;
        return this;
    }

    /** How long a request waits for its model to be loaded before it gets 503; default 10 minutes. */
    public LlmServerBuilder loadTimeout(Duration time) {
        loadTimeout = positive(time, "loadTimeout");
        return this;
    }

    /** The address to listen on, as a name or in digits; default 127.0.0.1, which nobody but this machine reaches. */
    public LlmServerBuilder host(String name) {
        host = Objects.requireNonNull(name, "name");
        return this;
    }

    /** The port to listen on, 0 for any that is free; default 8000. */
    public LlmServerBuilder port(int number) {
        check(number >= 0 && number <= MAX_PORT, "port must be in 0 to " + MAX_PORT + ", was " + number);
        port = number;
        return this;
    }

    /** How conversations become prompts: template and its variables, what is done without a template, and with conversations that are too long. */
    public LlmServerBuilder chatOptions(ChatOptions options) {
        chat = Objects.requireNonNull(options, "options");
        return this;
    }

    /** Adds keys, one of which requests must bring; default none, and anybody may ask. Health, description and pages need none. */
    public LlmServerBuilder apiKeys(Collection<String> more) {
        check(more.stream().noneMatch(String::isBlank), "a key is blank");
        keys.addAll(more);
        return this;
    }

    /**
     * Adds names, without ports, by which the server may be asked ({@code Host}). Default: where it listens on an address of this machine's for
     * itself, that machine's names for itself, so that no web page can lead a browser here by a name of its own; else any.
     */
    public LlmServerBuilder allowedHosts(Collection<String> more) {
        hosts.addAll(more);
        return this;
    }

    /** Adds origins of web pages that may use the server, such as {@code https://example.org}, or {@code *} for any; default none but its own. */
    public LlmServerBuilder allowedOrigins(Collection<String> more) {
        origins.addAll(more);
        return this;
    }

    /** The largest body of a request; default 16 MiB. */
    public LlmServerBuilder maxBodyBytes(int bytes) {
        check(bytes >= 1, "maxBodyBytes must be at least 1, was " + bytes);
        maxBodyBytes = bytes;
        return this;
    }

    /** Most requests in hand at once; default 2048. Beyond it they get 429, as they do where a model's queue is full. */
    public LlmServerBuilder maxRequests(int count) {
        check(count >= 1, "maxRequests must be at least 1, was " + count);
        maxRequests = count;
        return this;
    }

    /** In which the body of a request has to come, or the connection is closed; default 30 s. */
    public LlmServerBuilder bodyTimeout(Duration time) {
        bodyTimeout = positive(time, "bodyTimeout");
        return this;
    }

    /** For how long a client may leave what is sent to it unread, or the connection is closed; default 30 s. */
    public LlmServerBuilder writeTimeout(Duration time) {
        writeTimeout = positive(time, "writeTimeout");
        return this;
    }

    /**
     * After how much silence a client that waits for an answer is written something that means nothing; default 0.5 s. One that has gone is found at
     * the second time. With the first the status is sent: what fails later is told in the body.
     */
    public LlmServerBuilder keepAlive(Duration silence) {
        keepAlive = positive(silence, "keepAlive");
        return this;
    }

    /** How long requests in hand may take when the server stops; default 10 s. */
    public LlmServerBuilder stopTimeout(Duration time) {
        check(!time.isNegative(), "stopTimeout must not be negative, was " + time);
        stopTimeout = time;
        return this;
    }

    /** Is given a line for each request, possibly by several threads at once; default: it is logged by the logger io.jllm.server, at DEBUG. */
    public LlmServerBuilder accessLog(Consumer<String> lines) {
        accessLog = Objects.requireNonNull(lines, "lines");
        return this;
    }

    /**
     * Is given a sentence where a model is loaded (what it needs and what is free, then what runs it) or unloaded, possibly by several threads at
     * once; default: it is logged by the logger io.jllm.server, at INFO.
     */
    public LlmServerBuilder notices(Consumer<String> sentences) {
        notices = Objects.requireNonNull(sentences, "sentences");
        return this;
    }

    /**
     * Serves HTTPS.
     *
     * @param chain a file in PEM: the server's certificate, and those above it in this order
     * @param privateKey a file in PEM: its key as PKCS #8, without a password
     */
    public LlmServerBuilder tls(Path chain, Path privateKey) {
        certificates = Optional.of(chain);
        key = Optional.of(privateKey);
        return this;
    }

    private static Duration positive(Duration time, String name) {
        check(time.isPositive(), name + " must be above zero, was " + time);
        return time;
    }

    private static void check(boolean ok, String message) {
        if (!ok) {
            throw new IllegalArgumentException(message);
        }
    }

    /**
     * Loads what is pinned or open, and starts to listen.
     *
     * @throws IOException if it cannot listen, or a file of keys cannot be read
     * @throws io.jllm.ModelLoadException if a pinned model, or an adapter of it, cannot be loaded
     * @throws IllegalArgumentException if there is no model, two have one name, or a name is for none
     */
    public LlmServer start() throws IOException {
        pinned.forEach(p -> check(sources.stream().anyMatch(s -> s.name().equals(p)), "the pinned model " + p + " is not served"));
        adapters.forEach((model, names) -> check(sources.stream().anyMatch(s -> s.name().equals(model)),
                "the adapters " + names.keySet() + " are for the model " + model + ", which is not served"));
        List<ModelSource> all = sources.stream().map(s -> pinned.contains(s.name()) ? s.pin() : s)
                .map(s -> s.with(adapters.getOrDefault(s.name(), Map.of()))).toList();
        InetAddress address = InetAddress.getByName(host);
        var models = new Models(all, aliases, new Loading(maxLoaded, loadTimeout, notices));
        try {
            models.loadPinned();
            Set<String> names = new TreeSet<>(hosts);
            if (address.isLoopbackAddress()) {
                names.addAll(Guard.loopbackNames());
                names.add(host);
            }
            var limits = new HttpLimits(maxBodyBytes, maxRequests, bodyTimeout, writeTimeout, keepAlive);
            var settings = new Transport.Settings(new InetSocketAddress(address, port),
                    certificates.isPresent() ? Optional.of(Tls.context(certificates.get(), key.orElseThrow())) : Optional.empty(), limits,
                    new Guard(keys, names, origins), accessLog, stopTimeout);
            return new LlmServer(models, LlmServer.serving(models, chat), adapterLoading, settings);
        } catch (IOException | RuntimeException e) {
            models.close();
            throw e;
        }
    }
}
