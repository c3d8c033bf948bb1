package io.jllm.server.http;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Who is let in: whoever has a key, if there are any; who asks this server by a name that it goes by, so that no name of somebody else's leads a
 * browser here; and, of pages in browsers, this server's own and those of allowed origins. Safe for all threads.
 */
public final class Guard {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final String BEARER = "bearer ";

    private final List<byte[]> keys;
    private final Set<String> hosts;
    private final Set<String> origins;

    /**
     * @param keys none: no key is needed
     * @param hosts names by which it is asked, without ports; none: any
     * @param origins of pages that may use it, such as {@code https://example.org}; {@code *} for any
     */
    public Guard(Collection<String> keys, Collection<String> hosts, Collection<String> origins) {
        this.keys = keys.stream().map(Guard::digest).toList();
        var names = new TreeSet<String>(String.CASE_INSENSITIVE_ORDER);
        names.addAll(hosts);
        this.hosts = names;
        this.origins = Set.copyOf(origins);
    }

    /** The names of this machine for itself. */
    public static Set<String> loopbackNames() {
        return LOOPBACK;
    }

    /**
     * Lets a call in.
     *
     * @throws ApiError if not
     */
    void check(Call call, Route route) {
        checkHost(call);
        checkOrigin(call);
        if (!keys.isEmpty() && !route.open() && !hasKey(call)) {
            call.setHeader("WWW-Authenticate", "Bearer");
            throw ApiError.unauthorized();
        }
    }

    /** Whether a browser asks what a page of an allowed origin may do; the reply's headers say it then. */
    boolean isPreflight(Call call) {
        if (!call.method().equals("OPTIONS") || call.header("Access-Control-Request-Method").isEmpty()) {
            return false;
        }
        checkHost(call);
        checkOrigin(call);
        call.setHeader("Access-Control-Allow-Methods", "GET, POST");
        call.setHeader("Access-Control-Allow-Headers", call.header("Access-Control-Request-Headers").filter(Guard::isPlain).orElse("*"));
        call.setHeader("Access-Control-Max-Age", "600");
        return true;
    }

    private static boolean isPlain(String value) {
        return value.chars().allMatch(c -> c >= ' ' && c < 0x7f);
    }

    private void checkHost(Call call) {
        Optional<String> host = call.header("Host");
        if (!hosts.isEmpty() && host.map(Guard::withoutPort).filter(hosts::contains).isEmpty()) {
            throw ApiError.forbidden("this server is not called " + host.orElse("nothing (there is no Host)") + "; it is called "
                    + String.join(", ", hosts) + "; allow other names where it is started");
        }
    }

    private void checkOrigin(Call call) {
        Optional<String> origin = call.header("Origin");
        if (origin.isEmpty() || isOwn(origin.get(), call)) {
            return;
        }
        if (!origins.contains("*") && !origins.contains(origin.get())) {
            throw ApiError.forbidden("pages of the origin " + origin.get() + " may not use this server; allow it where the server is started");
        }
        call.setHeader("Access-Control-Allow-Origin", origin.get());
        call.setHeader("Access-Control-Expose-Headers", "x-request-id, Retry-After");
        call.setHeader("Vary", "Origin");
    }

    private static boolean isOwn(String origin, Call call) {
        try {
            String authority = new URI(origin).getRawAuthority();
            return authority != null && call.header("Host").filter(authority::equalsIgnoreCase).isPresent();
        } catch (URISyntaxException _) {
            return false; // "null" is no name of this server either
        }
    }

    private static String withoutPort(String host) {
        return host.replaceFirst(":\\d*$", "");
    }

    private boolean hasKey(Call call) {
        byte[] given = call.header("Authorization").filter(h -> h.toLowerCase(Locale.ROOT).startsWith(BEARER)).map(h -> h.substring(BEARER.length()).strip())
                .or(() -> call.header("x-api-key")).map(Guard::digest).orElse(new byte[0]);
        boolean known = false;
        for (byte[] key : keys) {
            known |= MessageDigest.isEqual(key, given); // all of them, so that time tells nothing
        }
        return known;
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
