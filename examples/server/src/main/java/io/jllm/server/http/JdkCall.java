package io.jllm.server.http;

import com.google.gson.JsonElement;
import com.sun.net.httpserver.HttpExchange;
import io.jllm.server.json.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A call of the JDK's server. Its thread answers; {@link Watch} looks at it from another one.
 *
 * <p>The server's streams lead to a channel, which is closed when a thread is interrupted that waits for it: so whoever is stuck in reading or
 * writing for too long is freed.
 */
final class JdkCall implements Call, Events {
    private static final byte[] BLANK_LINE = {'\n'};
    private static final byte[] COMMENT = ": keep-alive\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final String JSON = "application/json";
    private static final long NOT = Long.MIN_VALUE;
    private static final long LINGER_NANOS = 500_000_000;
    /** What logs say where the client has gone, as nginx has it. */
    private static final int CLIENT_GONE = 499;

    private enum Kind { NEW, AWAITED, EVENTS, DONE }

    private final HttpExchange exchange;
    private final String id;
    private final HttpLimits limits;
    private final Thread serving = Thread.currentThread();
    private final ReentrantLock lock = new ReentrantLock();
    private volatile Kind kind = Kind.NEW;
    private volatile long readingSince = NOT;
    private final Writing writing = new Writing();
    private volatile long lastWrite = System.nanoTime();
    private volatile boolean gone;
    private volatile boolean unread;
    private volatile boolean held;
    /** Guarded by the lock. */
    private boolean committed;
    private int status = CLIENT_GONE;
    private String note = "";

    JdkCall(HttpExchange exchange, String id, HttpLimits limits) {
        this.exchange = exchange;
        this.id = id;
        this.limits = limits;
        setHeader("X-Request-Id", id);
        setHeader("X-Content-Type-Options", "nosniff");
    }

    @Override
    public String method() {
        return exchange.getRequestMethod();
    }

    @Override
    public String path() {
        return Optional.ofNullable(exchange.getRequestURI().getPath()).orElse("");
    }

    @Override
    public Optional<String> header(String name) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
    }

    @Override
    public String client() {
        var address = exchange.getRemoteAddress();
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public void setHeader(String name, String value) {
        exchange.getResponseHeaders().set(name, value);
    }

    @Override
    public void note(String words) {
        note = words;
    }

    @Override
    public byte[] body() throws IOException {
        int most = limits.maxBodyBytes();
        if (header("Content-Length").map(Long::parseLong).orElse(0L) > most) {
            throw tooLarge();
        }
        readingSince = System.nanoTime();
        try {
            byte[] body = exchange.getRequestBody().readNBytes(most == Integer.MAX_VALUE ? most : most + 1);
            if (body.length > most) {
                throw tooLarge();
            }
            return body;
        } catch (IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException _) { // by chunks that say no length
            setHeader("Connection", "close");
            throw ApiError.badRequest("the body does not come in chunks as HTTP has them");
        } finally {
            readingSince = NOT;
        }
    }

    private ApiError tooLarge() {
        setHeader("Connection", "close");
        unread = true;
        return ApiError.tooLarge("the body is larger than " + limits.maxBodyBytes() + " bytes, the most that this server takes");
    }

    @Override
    public void reply(int code, JsonElement json) throws IOException {
        byte[] body = Json.text(json).getBytes(StandardCharsets.UTF_8);
        lock.lock();
        try {
            if (committed) {
                status = code;
                if (kind == Kind.EVENTS) {
                    send(json);
                } else {
                    write(body, false);
                }
                finish();
                return;
            }
        } finally {
            lock.unlock();
        }
        reply(code, JSON, body);
    }

    @Override
    public void reply(int code, String contentType, byte[] body) throws IOException {
        lock.lock();
        try {
            status = code;
            setHeader("Content-Type", contentType);
            if (method().equals("HEAD")) {
                setHeader("Content-Length", Integer.toString(body.length));
            }
            boolean bare = body.length == 0 || method().equals("HEAD");
            committed = true;
            guarded(() -> exchange.sendResponseHeaders(code, bare ? -1 : body.length));
            if (!bare) {
                write(body, false);
            }
            finish();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void await() {
        lastWrite = System.nanoTime();
        kind = Kind.AWAITED;
    }

    @Override
    public Events events() throws IOException {
        lock.lock();
        try {
            kind = Kind.EVENTS;
            setHeader("Cache-Control", "no-cache");
            setHeader("X-Accel-Buffering", "no"); // nginx would hold events back
            commit("text/event-stream; charset=utf-8");
        } finally {
            lock.unlock();
        }
        return this;
    }

    /** Sends the status, for a reply of unknown length. */
    private void commit(String contentType) throws IOException {
        committed = true;
        status = 200;
        setHeader("Content-Type", contentType);
        guarded(() -> exchange.sendResponseHeaders(200, 0));
    }

    @Override
    public void send(String event, JsonElement data) throws IOException {
        write(("event: " + event + "\ndata: " + Json.text(data) + "\n\n").getBytes(StandardCharsets.UTF_8), false);
    }

    @Override
    public void sendText(String data, boolean more) throws IOException {
        write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8), more);
    }

    @Override
    public void flush() throws IOException {
        if (held) {
            write(new byte[0], false);
        }
    }

    private void write(byte[] bytes, boolean more) throws IOException {
        OutputStream out = exchange.getResponseBody();
        guarded(() -> {
            held = more;
            out.write(bytes);
            if (!more) {
                out.flush();
            }
        });
    }

    private void finish() throws IOException {
        kind = unread ? Kind.DONE : kind; // what is left of the body is read for a moment, so that the client gets to read the reply
        guarded(exchange.getResponseBody()::close);
        kind = Kind.DONE;
    }

    private interface Output {
        void run() throws IOException;
    }

    private void guarded(Output output) throws IOException {
        lock.lock();
        try {
            writing.begin();
            output.run();
        } catch (IOException e) {
            gone = true;
            throw e;
        } finally {
            writing.end();
            lastWrite = System.nanoTime();
            lock.unlock();
        }
    }

    /** Frees whoever is stuck, and has something written where nothing was for long. Called by {@link Watch}, which it does not hold up. */
    void look(long now) {
        long reading = readingSince;
        boolean stuck = writing.free(now, unread ? LINGER_NANOS : limits.writeTimeout().toNanos());
        if (stuck || reading != NOT && now - reading > limits.bodyTimeout().toNanos()) {
            gone = true;
            serving.interrupt();
        } else if (!writing.isOn() && (kind == Kind.AWAITED || kind == Kind.EVENTS) && now - lastWrite >= limits.keepAlive().toNanos()) {
            Thread.ofVirtual().name("jllm-server-keep-alive").start(this::beat);
        }
    }

    private void beat() {
        if (!lock.tryLock()) {
            return; // somebody is writing
        }
        try {
            if (kind == Kind.AWAITED && !committed) {
                commit(JSON);
            }
            if (kind == Kind.AWAITED || kind == Kind.EVENTS) {
                write(kind == Kind.AWAITED ? BLANK_LINE : COMMENT, false);
            }
        } catch (IOException _) {
            serving.interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the answering, whatever it waits for. */
    void interrupt() {
        serving.interrupt();
        writing.free(System.nanoTime(), -1);
    }

    /** Nothing more will be done about it. What was sent in part is cut off, not ended. */
    void end() {
        lock.lock();
        try {
            if (kind == Kind.EVENTS && !gone && !serving.isInterrupted()) {
                finish();
            }
        } catch (IOException _) {
            gone = true;
        } finally {
            if (kind != Kind.DONE) {
                serving.interrupt(); // so that closing it writes no end
            }
            lock.unlock();
        }
        exchange.close();
    }

    AccessLine line(long nanos) {
        boolean whole = kind == Kind.DONE;
        String words = whole ? note : "the client has gone, or was too slow";
        return new AccessLine(client(), method(), path(), whole ? status : CLIENT_GONE, nanos, id, words);
    }
}
