package io.jllm.hub;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Plays both hubs, and the host that large files are redirected to, on two ports of this machine. */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final int LARGE = 2000;

    /** What the hub or the other host does with a request for a file before it serves it; true if it has answered. */
    interface Quirk {
        boolean answers(HttpExchange e, byte[] content, long from) throws IOException;
    }

    private final HttpServer hub;
    private final HttpServer cdn;
    final Map<String, byte[]> files = Collections.synchronizedMap(new TreeMap<>());
    /** Method, path and whether a token came, of each request. */
    final List<String> requests = new CopyOnWriteArrayList<>();
    /** Status and error code that the API answers with instead. */
    volatile Optional<Map.Entry<Integer, String>> refusal = Optional.empty();
    volatile Quirk quirk = (_, _, _) -> false;
    volatile boolean ranges = true;
    /** Of files whose digest the API names wrongly. */
    final Map<String, String> digests = new ConcurrentHashMap<>();
    /** Paths that the API adds to its list as they are, with their sizes. */
    final Map<String, Long> strangers = new ConcurrentHashMap<>();
    final AtomicInteger busy = new AtomicInteger();

    FakeHub() throws IOException {
        hub = server("hub");
        cdn = server("cdn");
        hub.createContext("/", e -> serve(e, this::hub));
        cdn.createContext("/", e -> serve(e, x -> content(x, x.getRequestURI().getPath().substring("/signed/".length()))));
    }

    private static HttpServer server(String name) throws IOException {
        HttpServer s = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        s.setExecutor(Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name).factory()));
        s.start();
        return s;
    }

    private interface Action {
        void run(HttpExchange e) throws IOException;
    }

    private void serve(HttpExchange e, Action action) throws IOException {
        boolean token = e.getRequestHeaders().containsKey("Authorization") || e.getRequestHeaders().containsKey("Cookie");
        requests.add((e.getHttpContext().getServer() == cdn ? "cdn " : "hub ") + e.getRequestURI() + (token ? " token" : "")
                + Optional.ofNullable(e.getRequestHeaders().getFirst("Range")).map(r -> " " + r).orElse(""));
        try (e) {
            action.run(e);
        }
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    /** How often files were asked for. */
    long fetches() {
        return requests.stream().filter(r -> r.contains("/resolve/") || r.contains("FilePath")).count();
    }

    private void hub(HttpExchange e) throws IOException {
        String path = e.getRequestURI().getPath();
        String query = Optional.ofNullable(e.getRequestURI().getQuery()).orElse("");
        if (busy.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            e.getResponseHeaders().set("Retry-After", "0");
            text(e, 429, "busy");
        } else if (refusal.isPresent()) {
            e.getResponseHeaders().set("X-Error-Code", refusal.get().getValue());
            text(e, refusal.get().getKey(), "<html>");
        } else if (path.equals("/old/name/resolve/" + COMMIT + "/config.json")) {
            e.getResponseHeaders().set("Location", path.replace("/old/", "/owner/"));
            text(e, 307, "");
        } else if (path.matches("/api/models/[^/]+/name/revision/(main|v1|" + COMMIT + ")")) {
            text(e, 200, "{\"sha\": \"" + COMMIT + "\", \"gated\": false}");
        } else if (path.matches("/api/models/[^/]+/name/tree/" + COMMIT)) {
            tree(e, query.contains("page=2"));
        } else if (path.contains("/resolve/")) {
            String file = path.substring(path.indexOf(COMMIT) + COMMIT.length() + 1);
            e.getResponseHeaders().set("X-Repo-Commit", COMMIT);
            if (Optional.ofNullable(files.get(file)).filter(f -> f.length > LARGE).isPresent()) {
                e.getResponseHeaders().set("Location", "http://127.0.0.1:" + cdn.getAddress().getPort() + "/signed/" + file + "?signature=1");
                text(e, 302, "");
            } else {
                content(e, file);
            }
        } else if (path.equals("/api/v1/models/owner/na.me/repo/files")) {
            modelScope(e);
        } else if (path.equals("/api/v1/models/owner/na.me/repo")) {
            content(e, query.replaceAll(".*FilePath=", ""));
        } else {
            text(e, 404, "nothing");
        }
    }

    /** In two pages, the first of which has one file. */
    private void tree(HttpExchange e, boolean second) throws IOException {
        var list = new JsonArray();
        int n = 0;
        for (var f : files.entrySet()) {
            if (n++ == 0 != second) {
                var o = new JsonObject();
                o.addProperty("type", "file");
                o.addProperty("path", f.getKey());
                o.addProperty("size", f.getValue().length);
                o.addProperty("oid", digests.getOrDefault(f.getKey(), git(f.getValue())));
                if (f.getValue().length > LARGE) {
                    var lfs = new JsonObject();
                    lfs.addProperty("oid", digests.getOrDefault(f.getKey(), sha256(f.getValue())));
                    lfs.addProperty("size", f.getValue().length);
                    o.add("lfs", lfs);
                }
                list.add(o);
            }
        }
        if (second) {
            strangers.forEach((path, size) -> {
                var o = new JsonObject();
                o.addProperty("type", "file");
                o.addProperty("path", path);
                o.addProperty("size", size);
                o.addProperty("oid", "00".repeat(20));
                list.add(o);
            });
        } else {
            e.getResponseHeaders().set("Link", "<" + e.getRequestURI().getPath() + "?page=2>; rel=\"next\"");
        }
        text(e, 200, list.toString());
    }

    private void modelScope(HttpExchange e) throws IOException {
        var list = new JsonArray();
        files.forEach((path, content) -> {
            var o = new JsonObject();
            o.addProperty("Path", path);
            o.addProperty("Type", "blob");
            o.addProperty("Size", content.length);
            o.addProperty("Sha256", digests.getOrDefault(path, sha256(content)));
            list.add(o);
        });
        var data = new JsonObject();
        data.add("Files", list);
        var all = new JsonObject();
        all.addProperty("Code", e.getRequestURI().getQuery().contains("Revision=master") ? 200 : 404);
        all.add("Data", data);
        text(e, 200, all.toString());
    }

    private void content(HttpExchange e, String file) throws IOException {
        byte[] content = files.get(file);
        if (content == null) {
            e.getResponseHeaders().set("X-Error-Code", "EntryNotFound");
            text(e, 404, "");
            return;
        }
        String range = e.getRequestHeaders().getFirst("Range");
        int from = range != null && ranges ? Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1")) : 0;
        if (quirk.answers(e, content, from)) {
            return;
        }
        send(e, content, from, content.length);
    }

    /** Says that all from {@code from} on comes, and sends it up to {@code to}: less cuts the connection. */
    static void send(HttpExchange e, byte[] content, int from, int to) throws IOException {
        if (from > 0) {
            e.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        e.sendResponseHeaders(from > 0 ? 206 : 200, content.length == 0 ? -1 : content.length - from);
        e.getResponseBody().write(content, from, to - from);
        e.getResponseBody().flush();
    }

    static void text(HttpExchange e, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        e.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        e.getResponseBody().write(bytes);
    }

    static String sha256(byte[] content) {
        return HexFormat.of().formatHex(digest("SHA-256", content));
    }

    static String git(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + content.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return HexFormat.of().formatHex(digest("SHA-1", all));
    }

    private static byte[] digest(String algorithm, byte[] content) {
        try {
            return MessageDigest.getInstance(algorithm).digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        cdn.stop(0);
    }
}
