package io.jllm.examples.cli.command;

import io.jllm.LlmBuilder;
import io.jllm.chat.ChatOptions;
import io.jllm.examples.cli.options.ServedModels;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Console;
import io.jllm.server.LlmServer;
import io.jllm.server.LlmServerBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Serves models over HTTP. */
@Command(name = "serve", aliases = "deploy", description = {"Serves models over HTTP by the protocols of OpenAI (/v1/chat/completions, /v1/completions,"
    + " /v1/embeddings, /v1/responses, /v1/models) and Anthropic (/v1/messages), until it is interrupted.", "",
    "A model without a chat template is talked to in ChatML."})
public final class ServeCommand implements Action {
    private static final String NODELAY = "sun.net.httpserver.nodelay";
    private static final String HEAD_SECONDS = "sun.net.httpserver.maxReqTime";

    @Mixin
    private ServedModels models;

    @Option(names = "--max-loaded", paramLabel = "N", description = "Most models that are loaded at once; the one that was not used longest is unloaded"
            + " for another (default: all).")
    private Optional<Integer> maxLoaded = Optional.empty();

    @Option(names = "--pin", paramLabel = "MODEL", description = "A model that is loaded at the start and stays, as the first always is; may be given"
            + " several times.")
    private List<String> pinned = List.of();

    @Option(names = "--alias", paramLabel = "NAME=MODEL", description = "Another name to ask for a model by; may be given several times.")
    private List<String> aliases = List.of();

    @Option(names = "--load-timeout", paramLabel = "S", description = "How many seconds a request waits for its model to be loaded (default: 600).")
    private Optional<Integer> loadTimeout = Optional.empty();

    @Option(names = "--host", paramLabel = "NAME", defaultValue = "127.0.0.1",
            description = "The address to listen on; 0.0.0.0 for all (default: ${DEFAULT-VALUE}, which only this machine reaches).")
    private String host;

    @Option(names = "--port", paramLabel = "N", defaultValue = "8000", description = "The port to listen on; 0 for any (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--api-key-file", paramLabel = "F", description = "A file of keys, one a line, one of which requests must bring.")
    private Optional<Path> keyFile = Optional.empty();

    @Option(names = "--allowed-host", paramLabel = "NAME", description = "A name by which the server may be asked; may be given several times.")
    private List<String> hosts = List.of();

    @Option(names = "--allowed-origin", paramLabel = "ORIGIN", description = "An origin of web pages that may use the server, such as"
            + " https://example.org; may be given several times.")
    private List<String> origins = List.of();

    @Option(names = "--ssl-certfile", paramLabel = "F", description = "Serve HTTPS with this certificate, in PEM.")
    private Optional<Path> certificate = Optional.empty();

    @Option(names = "--ssl-keyfile", paramLabel = "F", description = "The key of the certificate, in PEM as PKCS #8.")
    private Optional<Path> key = Optional.empty();

    @Option(names = "--chat-template", paramLabel = "F", description = "A chat template instead of the model's.")
    private Optional<Path> template = Optional.empty();

    @Option(names = "--allow-adapter-loading", description = "Let requests load and unload adapters by /v1/load_lora_adapter and"
            + " /v1/unload_lora_adapter: whoever may ask has any path of this machine opened.")
    private boolean adapterLoading;

    @Option(names = "--quiet", description = "Write no line for each request.")
    private boolean quiet;

    private final Console console;

    public ServeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() throws IOException {
        // Read once by the JDK's server, when it is loaded; what the user has set counts.
        System.setProperty(NODELAY, System.getProperty(NODELAY, "true"));
        System.setProperty(HEAD_SECONDS, System.getProperty(HEAD_SECONDS, "60"));
        Map<String, LlmBuilder> served = models.builders(console);
        LlmServerBuilder builder = LlmServer.builder().host(host).port(port).allowedHosts(hosts).allowedOrigins(origins).chatOptions(chat());
        addModels(served, builder);
        if (keyFile.isPresent()) {
            builder.apiKeys(keys(keyFile.get()));
        }
        if (certificate.isPresent() != key.isPresent()) {
            throw new BadInput("--ssl-certfile and --ssl-keyfile belong together: give both or none");
        }
        certificate.ifPresent(chain -> builder.tls(chain, key.orElseThrow()));
        builder.accessLog(quiet ? _ -> { } : console::say);
        try (LlmServer server = builder.start()) {
            console.say("serving " + String.join(", ", served.keySet()) + " at " + server.uri());
            waitForTheUser();
        }
    }

    private void addModels(Map<String, LlmBuilder> served, LlmServerBuilder builder) {
        served.forEach(builder::model);
        models.addAdapters(served.keySet(), builder);
        if (adapterLoading) {
            builder.allowAdapterLoading();
        }
        builder.notices(console::say);
        maxLoaded.ifPresent(builder::maxLoadedModels);
        builder.pin(served.keySet().iterator().next());
        pinned.forEach(builder::pin);
        for (String alias : aliases) {
            String[] parts = alias.split("=", 2);
            if (parts.length < 2 || parts[0].isBlank()) {
                throw new BadInput("--alias must be NAME=MODEL, was " + alias);
            }
            builder.alias(parts[0], parts[1]);
        }
        loadTimeout.ifPresent(seconds -> {
            if (seconds < 1) {
                throw new BadInput("--load-timeout must be at least 1, was " + seconds);
            }
            builder.loadTimeout(Duration.ofSeconds(seconds));
        });
    }

    private static void waitForTheUser() {
        try {
            Thread.currentThread().join();
        } catch (InterruptedException _) {
            Thread.interrupted(); // the server stops with grace
        }
    }

    private ChatOptions chat() throws IOException {
        ChatOptions.Builder options = ChatOptions.builder().withoutTemplate(ChatOptions.WithoutTemplate.CHATML);
        if (template.isPresent()) {
            options.template(Files.readString(template.get()));
        }
        return options.build();
    }

    private static List<String> keys(Path file) throws IOException {
        List<String> keys = Files.readAllLines(file).stream().map(String::strip).filter(k -> !k.isEmpty()).toList();
        if (keys.isEmpty()) {
            throw new BadInput(file + " holds no key; write one a line");
        }
        return keys;
    }
}
