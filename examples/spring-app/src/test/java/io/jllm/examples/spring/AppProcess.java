package io.jllm.examples.spring;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The application in a process of its own. To be closed, which ends it. */
final class AppProcess implements AutoCloseable {
    private static final Pattern PORT = Pattern.compile("Netty started on port (\\d+)");
    private static final Pattern TEXT = Pattern.compile("data:(\\{.*})");

    private final Process process;
    private final List<String> log = new ArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();

    /** @param command what stands behind {@code java} */
    AppProcess(List<String> command) throws IOException {
        var all = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        all.addAll(command);
        all.add("--server.port=0");
        process = new ProcessBuilder(all).redirectErrorStream(true).start();
        Thread.ofVirtual().start(() -> {
            try (var lines = process.inputReader().lines()) {
                lines.forEach(line -> {
                    synchronized (log) {
                        log.add(line);
                        log.notifyAll();
                    }
                });
            }
            synchronized (log) {
                log.add("END");
                log.notifyAll();
            }
        });
    }

    String log() {
        synchronized (log) {
            return String.join("\n", log);
        }
    }

    /** The port of its start of that number, from 1, once it has come so far. */
    int port(int start) throws InterruptedException {
        synchronized (log) {
            while (true) {
                List<Integer> ports = log.stream().map(PORT::matcher).filter(Matcher::find).map(m -> Integer.parseInt(m.group(1))).toList();
                if (ports.size() >= start) {
                    return ports.get(start - 1);
                }
                if (log.contains("END")) {
                    throw new AssertionError("it ended:\n" + log());
                }
                log.wait();
            }
        }
    }

    private HttpRequest request(int start, String path) throws InterruptedException {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port(start) + path)).build();
    }

    /** What it answers. */
    String get(String path) throws IOException, InterruptedException {
        return get(1, path);
    }

    /** What it answers after that start. */
    String get(int start, String path) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request(start, path), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new AssertionError(path + ": " + response.statusCode() + " " + response.body() + "\n" + log());
        }
        return response.body();
    }

    /** What it answers, later. */
    CompletableFuture<String> ask(String path) throws InterruptedException {
        return client.sendAsync(request(1, path), HttpResponse.BodyHandlers.ofString()).thenApply(HttpResponse::body);
    }

    /** What it answers, as it comes. */
    InputStream open(String path) throws IOException, InterruptedException {
        return client.send(request(1, path), HttpResponse.BodyHandlers.ofInputStream()).body();
    }

    /** How many events a stream has. */
    static long events(String body) {
        return TEXT.matcher(body).results().count();
    }

    /** The texts of a stream's events, one behind the other, as they stand in JSON. */
    static String text(String body) {
        var text = new StringBuilder();
        TEXT.matcher(body).results().forEach(m -> text.append(m.group(1), "{\"text\":\"".length(), m.group(1).length() - 2));
        return text.toString();
    }

    /** Asks it to stop. */
    void terminate() {
        process.destroy();
    }

    int exit() throws InterruptedException {
        return process.waitFor();
    }

    /** Memory that it takes, in KiB. */
    long rss() throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream().filter(l -> l.startsWith("VmRSS:"))
                .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", ""))).findFirst().orElseThrow();
    }

    /** Threads of that name. */
    long threads(String name) throws IOException {
        try (var tasks = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            return tasks.filter(t -> {
                try {
                    return Files.readString(t.resolve("comm")).strip().equals(name);
                } catch (IOException _) {
                    return false; // it has ended
                }
            }).count();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
        client.close();
    }
}
