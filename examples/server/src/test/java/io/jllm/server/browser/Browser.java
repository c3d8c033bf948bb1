package io.jllm.server.browser;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A page in a Chromium without a window, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
final class Browser implements AutoCloseable {
    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome");
    private static final long POLL_MILLIS = 20;

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final Messages messages = new Messages();
    private final WebSocket socket;
    private final String session;

    /** The program, if this machine has one. */
    static Optional<Path> program() {
        return Stream.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator)).map(Path::of)
                .flatMap(folder -> NAMES.stream().map(folder::resolve)).filter(Files::isExecutable).findFirst();
    }

    /** Opens a page of that size. */
    Browser(Path program, Path profile, int width, int height) throws IOException {
        process = new ProcessBuilder(program.toString(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--remote-debugging-port=0", "--remote-allow-origins=*", "--no-first-run", "--disable-background-networking",
                "--user-data-dir=" + profile, "--window-size=" + width + "," + height, "about:blank")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        socket = client.newWebSocketBuilder().buildAsync(address(profile), messages).join();
        String target = call(Optional.empty(), "Target.createTarget", Map.of("url", "about:blank")).get("targetId").getAsString();
        session = call(Optional.empty(), "Target.attachToTarget", Map.of("targetId", target, "flatten", true)).get("sessionId").getAsString();
        call("Page.enable", Map.of());
        call("Network.enable", Map.of());
        call("Log.enable", Map.of());
        call("Emulation.setDeviceMetricsOverride", Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    /** Where it listens, which it writes into its profile: the port, and a path. */
    private URI address(Path profile) throws IOException {
        Path file = profile.resolve("DevToolsActivePort");
        while (!Files.exists(file) || Files.readAllLines(file).size() < 2) {
            if (!process.isAlive()) {
                throw new IOException("the browser ended before it listened, with code " + process.exitValue());
            }
            pause();
        }
        List<String> lines = Files.readAllLines(file);
        return URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1));
    }

    private static void pause() {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** What comes: answers by number, and what the page did. */
    private static final class Messages implements WebSocket.Listener {
        private final AtomicInteger last = new AtomicInteger();
        private final Map<Integer, CompletableFuture<JsonObject>> waiting = new ConcurrentHashMap<>();
        private final List<String> requests = new CopyOnWriteArrayList<>();
        private final List<String> complaints = new CopyOnWriteArrayList<>();
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean end) {
            text.append(data);
            if (end) {
                JsonObject message = JsonParser.parseString(text.toString()).getAsJsonObject();
                text.setLength(0);
                if (message.has("id")) {
                    waiting.remove(message.get("id").getAsInt()).complete(message);
                } else {
                    JsonObject params = message.getAsJsonObject("params");
                    switch (message.get("method").getAsString()) {
                        case "Network.requestWillBeSent" -> requests.add(params.getAsJsonObject("request").get("url").getAsString());
                        case "Log.entryAdded" -> complaints.add(params.getAsJsonObject("entry").get("text").getAsString());
                        default -> {
                            // nothing that is looked at
                        }
                    }
                }
            }
            socket.request(1);
            return CompletableFuture.completedFuture(null);
        }
    }

    private JsonObject call(Optional<String> to, String method, Map<String, Object> parameters) {
        int id = messages.last.incrementAndGet();
        var future = new CompletableFuture<JsonObject>();
        messages.waiting.put(id, future);
        var message = new JsonObject();
        message.addProperty("id", id);
        message.addProperty("method", method);
        message.add("params", new Gson().toJsonTree(parameters));
        to.ifPresent(s -> message.addProperty("sessionId", s));
        socket.sendText(message.toString(), true).join();
        JsonObject answer = future.join();
        if (answer.has("error")) {
            throw new IllegalStateException(method + ": " + answer.get("error"));
        }
        return answer.getAsJsonObject("result");
    }

    private JsonObject call(String method, Map<String, Object> parameters) {
        return call(Optional.of(session), method, parameters);
    }

    void open(URI page) {
        call("Page.navigate", Map.of("url", page.toString()));
        await("document.readyState === 'complete' && location.href.startsWith('" + page + "')");
    }

    /** The value of an expression in the page. */
    JsonElement value(String expression) {
        JsonObject result = call("Runtime.evaluate", Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
        if (result.has("exceptionDetails")) {
            throw new IllegalStateException(expression + ": " + result.get("exceptionDetails"));
        }
        JsonElement value = result.getAsJsonObject("result").get("value");
        return value == null ? JsonNull.INSTANCE : value;
    }

    String text(String expression) {
        return value("String(" + expression + ")").getAsString();
    }

    /** Waits until an expression is true. */
    void await(String expression) {
        while (!value("Boolean(" + expression + ")").getAsBoolean()) {
            if (!process.isAlive()) {
                throw new IllegalStateException("the browser ended");
            }
            pause();
        }
    }

    /** Presses a key as a person does. */
    void key(String key, String text) {
        for (String kind : List.of("keyDown", "keyUp")) {
            call("Input.dispatchKeyEvent", kind.equals("keyDown") && !text.isEmpty()
                    ? Map.of("type", kind, "key", key, "code", key, "text", text, "windowsVirtualKeyCode", code(key))
                    : Map.of("type", kind, "key", key, "code", key, "windowsVirtualKeyCode", code(key)));
        }
    }

    private static int code(String key) {
        return switch (key) {
            case "Enter" -> 13;
            case "Escape" -> 27;
            case "Tab" -> 9;
            default -> 0;
        };
    }

    /** Types into what has the focus. */
    void type(String text) {
        call("Input.insertText", Map.of("text", text));
    }

    /** Addresses that the page asked for. */
    List<String> requests() {
        return List.copyOf(messages.requests);
    }

    /** What the browser complained of. */
    List<String> complaints() {
        return List.copyOf(messages.complaints);
    }

    /** A picture of the page. */
    void picture(Path file) throws IOException {
        String data = call("Page.captureScreenshot", Map.of("format", "png")).get("data").getAsString();
        Files.createDirectories(file.getParent());
        Files.write(file, Base64.getDecoder().decode(data));
    }

    /** Light or dark. */
    void scheme(String scheme) {
        call("Emulation.setEmulatedMedia", Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    /** Another size of the page. */
    void size(int width, int height) {
        call("Emulation.setDeviceMetricsOverride", Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", true));
    }

    @Override
    public void close() {
        socket.abort();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
        client.shutdownNow();
    }
}
