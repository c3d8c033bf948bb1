package io.jllm.hub;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Requests to one hub. Redirects are followed here and not by the client, so that the token goes to the hub's own host and to no other. */
final class Http implements AutoCloseable {
    private static final int MOST_REDIRECTS = 10;
    private static final int MOST_TRIES = 5;
    private static final int MOST_JSON_BYTES = 64 << 20;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> AGAIN = Set.of(408, 429, 500, 502, 503, 504);

    private final HttpClient client;
    private final HubSettings.Site site;
    private final Map<String, String> own;
    private final Duration timeout;
    private final Duration retryDelay;

    /**
     * @param own headers for the hub's own host only, as its token
     */
    Http(HubSettings.Site site, Map<String, String> own, Duration timeout, Duration retryDelay) {
        this.site = site;
        this.own = own;
        this.timeout = timeout;
        this.retryDelay = retryDelay;
        client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).connectTimeout(timeout).build();
    }

    /**
     * What a request led to.
     *
     * @param first the answer of the hub itself, which names commit and digest
     * @param last the answer at the end of the redirects, whose body is open; the same where there were none
     */
    record Answer(HttpResponse<InputStream> first, HttpResponse<InputStream> last) implements AutoCloseable {
        int status() {
            return last.statusCode();
        }

        /** A header of the hub's own answer. */
        Optional<String> header(String name) {
            return first.headers().firstValue(name);
        }

        @Override
        public void close() throws IOException {
            last.body().close();
        }
    }

    /** No answer came, since the hub cannot be reached. */
    static final class Unreachable extends IOException {
        private static final long serialVersionUID = 1;

        Unreachable(URI uri, Throwable cause) {
            super(uri.getHost() + " cannot be reached: "
                    + (cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage()), cause);
        }
    }

    /** An address below the hub's. */
    URI at(String path) {
        return URI.create(site.endpoint() + path);
    }

    /** One try. The body of the result is open. */
    Answer get(URI from, Map<String, String> headers) throws IOException, InterruptedException {
        URI uri = from;
        Optional<HttpResponse<InputStream>> first = Optional.empty();
        for (int i = 0; i <= MOST_REDIRECTS; i++) {
            HttpResponse<InputStream> answer = send(uri, headers);
            if (first.isEmpty()) {
                first = Optional.of(answer);
            }
            Optional<String> location = answer.headers().firstValue("Location");
            if (!REDIRECTS.contains(answer.statusCode()) || location.isEmpty()) {
                return new Answer(first.get(), answer);
            }
            answer.body().close();
            URI next = resolved(uri, location.get());
            if (isOwn(next) && next.getRawAuthority().equals(from.getRawAuthority())) {
                first = Optional.empty(); // a rename: the hub's answer is still to come
            }
            uri = next;
        }
        throw new IOException(from + " leads from redirect to redirect");
    }

    private static URI resolved(URI uri, String location) throws IOException {
        try {
            URI next = uri.resolve(location);
            boolean weaker = uri.getScheme().equals("https") && !"https".equals(next.getScheme());
            if (next.getHost() == null || !Set.of("http", "https").contains(next.getScheme()) || weaker) {
                throw new IOException(uri + " leads to " + location + ", which is not followed");
            }
            return next;
        } catch (IllegalArgumentException e) {
            throw new IOException(uri + " leads to " + location + ", which is no address", e);
        }
    }

    private boolean isOwn(URI uri) {
        return uri.getScheme().equals(site.endpoint().getScheme()) && uri.getRawAuthority().equals(site.endpoint().getRawAuthority());
    }

    private HttpResponse<InputStream> send(URI uri, Map<String, String> headers) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(uri).timeout(timeout.multipliedBy(3)).header("Accept-Encoding", "identity")
                .header("User-Agent", "jllm-hub");
        headers.forEach(request::header);
        if (isOwn(uri)) {
            own.forEach(request::header);
        }
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (ConnectException | HttpConnectTimeoutException | UnknownHostException | UnresolvedAddressException e) {
            throw new Unreachable(uri, e);
        }
    }

    /** Whether the same request may succeed later. */
    static boolean isTransient(int status) {
        return AGAIN.contains(status);
    }

    /** Waits before try number {@code tries}, from 1 on; as long as the server asks for, if it does. */
    void pause(int tries, Optional<String> retryAfter) throws InterruptedException {
        Duration wait = retryDelay.multipliedBy(1L << Math.min(tries - 1, MOST_TRIES));
        if (retryAfter.filter(s -> s.matches("\\d{1,6}")).isPresent()) {
            wait = Duration.ofSeconds(Long.parseLong(retryAfter.get()));
        }
        Thread.sleep(wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait);
    }

    /** How often something is tried before it counts as failed. */
    static int mostTries() {
        return MOST_TRIES;
    }

    /**
     * A page of an API.
     *
     * @param status of the answer
     * @param json its body where it is JSON; empty where not
     * @param link what the header Link says
     * @param error what the header X-Error-Code says
     */
    record Page(int status, Optional<JsonElement> json, Optional<String> link, Optional<String> error) {
    }

    /** A page, asked for again while the server is busy. */
    Page json(URI uri) throws IOException, InterruptedException {
        for (int tries = 1;; tries++) {
            Optional<IOException> failure = Optional.empty();
            Optional<String> retryAfter = Optional.empty();
            try (Answer answer = get(uri, Map.of("Accept", "application/json"))) {
                if (!isTransient(answer.status()) || tries == MOST_TRIES) {
                    return new Page(answer.status(), parsed(answer.last.body()), answer.last.headers().firstValue("Link"),
                            answer.header("X-Error-Code"));
                }
                retryAfter = answer.last.headers().firstValue("Retry-After");
            } catch (Unreachable e) {
                throw e;
            } catch (IOException e) {
                failure = Optional.of(e);
            }
            if (failure.isPresent() && tries == MOST_TRIES) {
                throw failure.get();
            }
            pause(tries, retryAfter);
        }
    }

    private static Optional<JsonElement> parsed(InputStream body) throws IOException {
        byte[] bytes = body.readNBytes(MOST_JSON_BYTES + 1);
        if (bytes.length > MOST_JSON_BYTES) {
            throw new IOException("the server's list of files is longer than " + MOST_JSON_BYTES + " bytes");
        }
        try {
            return Optional.of(JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8))).filter(e -> !e.isJsonNull());
        } catch (JsonParseException | StackOverflowError _) {
            return Optional.empty(); // an error page for people
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
