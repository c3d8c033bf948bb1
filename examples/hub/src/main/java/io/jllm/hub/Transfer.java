package io.jllm.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Fetches one file: what is there of it is kept and gone on with, also by another process; size and digest are compared before it gets its name.
 */
final class Transfer {
    private static final int BUFFER = 1 << 20;
    private static final int OK = 200;
    private static final int PARTIAL = 206;
    private static final int NOT_SATISFIABLE = 416;

    private final Http http;
    private final Meter meter;
    private final Duration timeout;

    /** What a hub says of an answer that is no file. */
    interface Refusal {
        /** Throws, with a sentence of what is wrong; returns where asking again from the start may help. */
        void check(Http.Answer answer) throws IOException;
    }

    Transfer(Http http, Meter meter, Duration timeout) {
        this.http = http;
        this.meter = meter;
        this.timeout = timeout;
    }

    /**
     * Fetches, unless it is there.
     *
     * @param uri where the hub has it
     * @param part where it grows
     * @param target its name once it is whole
     */
    void fetch(RemoteFile file, URI uri, Path part, Path target, Refusal refusal) throws IOException, InterruptedException {
        Files.createDirectories(target.getParent());
        boolean again = false;
        while (true) {
            if (complete(file, uri, part, refusal)) {
                Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                return;
            }
            Files.deleteIfExists(part);
            if (again) {
                throw new HubException(file.path() + " came twice with other content than its digest " + file.digest().hex()
                        + " says: the server or something on the way to it is broken");
            }
            again = true;
        }
    }

    /** Fetches what is missing; whether the digest is right. */
    private boolean complete(RemoteFile file, URI uri, Path part, Refusal refusal) throws IOException, InterruptedException {
        try (FileChannel out = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (out.size() > file.size()) {
                out.truncate(0);
            }
            MessageDigest digest = digested(out, file);
            meter.begin(file, out.size());
            int idle = 0; // tries that brought nothing
            while (out.size() < file.size()) {
                long before = out.size();
                Optional<String> retryAfter = Optional.empty();
                String why = "";
                try (Http.Answer answer = http.get(uri, before > 0 ? Map.of("Range", "bytes=" + before + "-") : Map.of())) {
                    switch (answer.status()) {
                        case OK, PARTIAL -> {
                            if (before > 0 && !startsAt(answer, before)) { // the server knows no ranges
                                out.truncate(0);
                                digest = digested(out, file);
                                meter.begin(file, 0);
                            }
                            if (answer.status() == OK || startsAt(answer, before)) {
                                receive(answer.last().body(), out, file, digest);
                            }
                        }
                        case NOT_SATISFIABLE -> {
                            out.truncate(0);
                            return false;
                        }
                        default -> {
                            retryAfter = answer.last().headers().firstValue("Retry-After");
                            why = ", the last one status " + answer.status();
                            if (!Http.isTransient(answer.status())) {
                                refusal.check(answer);
                            }
                        }
                    }
                } catch (IOException e) {
                    why = ", the last one \"" + e.getMessage() + "\"";
                    digest = digested(out, file); // what was written may not have been counted
                }
                idle = out.size() > before ? 0 : idle + 1;
                if (idle == Http.mostTries()) {
                    throw new HubException(file.path() + " stopped at " + out.size() + " of " + file.size() + " bytes, and " + idle
                            + " tries brought no more" + why + "; what is there is kept: ask again later");
                }
                if (idle > 0) {
                    http.pause(idle, retryAfter);
                }
            }
            out.force(false);
            return file.digest().is(digest.digest());
        }
    }

    private static boolean startsAt(Http.Answer answer, long there) {
        return answer.last().headers().firstValue("Content-Range").map(r -> r.startsWith("bytes " + there + "-")).orElse(false);
    }

    /** Of what is there: what an earlier call fetched counts too. */
    private static MessageDigest digested(FileChannel part, RemoteFile file) throws IOException {
        MessageDigest digest = file.digest().begin(file.size());
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        part.position(0);
        while (part.read(buffer.clear()) > 0) {
            digest.update(buffer.flip());
        }
        return digest;
    }

    /** Appends what comes. Ends where a server says nothing for too long. */
    private void receive(InputStream body, FileChannel out, RemoteFile file, MessageDigest digest) throws IOException {
        var buffer = new byte[BUFFER];
        try (var watch = new StallWatch(body, timeout)) {
            out.position(out.size());
            for (int n = body.read(buffer); n > 0; n = body.read(buffer)) {
                watch.heard();
                if (n > file.size() - out.size()) {
                    throw new HubException(file.path() + " is longer than the " + file.size() + " bytes that the hub names");
                }
                ByteBuffer chunk = ByteBuffer.wrap(buffer, 0, n);
                while (chunk.hasRemaining()) {
                    out.write(chunk);
                }
                digest.update(buffer, 0, n);
                meter.add(n);
            }
        }
    }
}
