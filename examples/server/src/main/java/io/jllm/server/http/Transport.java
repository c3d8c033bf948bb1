package io.jllm.server.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;

/** The JDK's HTTP server, with a virtual thread a request. Safe for all threads. */
public final class Transport implements AutoCloseable {
    /** Connections that wait to be accepted. */
    private static final int BACKLOG = 1024;
    private static final int RETRY_SECONDS = 1;
    private static final long POLL_MILLIS = 20;

    private final HttpServer server;
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("jllm-server-", 0).factory());
    private final Routes routes;
    private final HttpLimits limits;
    private final Consumer<String> log;
    private final Duration patience;
    private final Watch watch;
    private final AtomicInteger active = new AtomicInteger();
    private final AtomicLong count = new AtomicLong();
    private final String idPrefix = "req-" + Long.toString(System.currentTimeMillis(), Character.MAX_RADIX) + "-";
    private final AtomicBoolean stopping = new AtomicBoolean();

    /**
     * What a server is.
     *
     * @param address where it listens; port 0 for any that is free
     * @param tls for HTTPS
     * @param log is given a line a request, possibly by several threads at once
     * @param patience how long requests in hand may take when it stops
     */
    public record Settings(InetSocketAddress address, Optional<SSLContext> tls, HttpLimits limits, Guard guard, Consumer<String> log,
                           Duration patience) {
    }

    private Transport(Settings settings, List<Route> routes) throws IOException {
        this.routes = new Routes(List.copyOf(routes), settings.guard);
        limits = settings.limits;
        log = settings.log;
        patience = settings.patience;
        if (settings.tls.isPresent()) {
            HttpsServer https = HttpsServer.create(settings.address, BACKLOG);
            https.setHttpsConfigurator(new HttpsConfigurator(settings.tls.get()));
            server = https;
        } else {
            server = HttpServer.create(settings.address, BACKLOG);
        }
        watch = new Watch(limits);
        server.setExecutor(executor);
        server.createContext("/", this::handle);
        server.start();
    }

    /**
     * Starts to listen.
     *
     * @throws IOException if it cannot, as where the port is taken
     */
    public static Transport start(Settings settings, List<Route> routes) throws IOException {
        return new Transport(settings, routes);
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    /** Requests in hand. */
    public int active() {
        return active.get();
    }

    private void handle(HttpExchange exchange) {
        long begin = System.nanoTime();
        int now = active.incrementAndGet();
        var call = new JdkCall(exchange, idPrefix + count.incrementAndGet(), limits);
        watch.add(call);
        try {
            routes.answer(call, refusal(now));
        } catch (IOException | InterruptedException _) {
            call.interrupt(); // the client has gone, or is to go: nothing more is sent
        } finally {
            call.end();
            watch.remove(call);
            try {
                log.accept(call.line(System.nanoTime() - begin).toString());
            } finally {
                active.decrementAndGet();
            }
        }
    }

    private Optional<ApiError> refusal(int now) {
        if (stopping.get()) {
            return Optional.of(ApiError.unavailable("the server is stopping", RETRY_SECONDS));
        }
        return now <= limits.maxRequests() ? Optional.empty()
                : Optional.of(ApiError.busy("the server has " + limits.maxRequests() + " requests in hand, as many as it takes", RETRY_SECONDS));
    }

    /** Takes no more requests, gives those in hand time to end, ends them, and stops. Called again it does nothing. */
    @Override
    public void close() {
        if (stopping.getAndSet(true)) {
            return;
        }
        try {
            if (!isIdleWithin(patience)) {
                watch.interruptAll();
                isIdleWithin(limits.writeTimeout());
            }
        } catch (InterruptedException _) {
            watch.interruptAll();
            Thread.currentThread().interrupt();
        }
        server.stop(0);
        watch.close();
        executor.shutdownNow();
    }

    private boolean isIdleWithin(Duration time) throws InterruptedException {
        long begin = System.nanoTime();
        while (active.get() > 0) {
            if (System.nanoTime() - begin > time.toNanos()) {
                return false;
            }
            Thread.sleep(POLL_MILLIS);
        }
        return true;
    }
}
