package io.jllm.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The demo model: fairytale-23m, a llama of 23 million parameters that continues prose in the manner of old children's books,
 * in Q4_0. Its card lies beside it.
 */
public final class DemoModel {
    /** What it is called; the file may be called otherwise. */
    public static final String NAME = "fairytale-23m-Q4_0";

    private static final String FILE = NAME + ".gguf";

    /** Where it was found, once it was. Guarded by the class. */
    private static Optional<Path> found = Optional.empty();

    private DemoModel() {
    }

    /**
     * The GGUF file. Where this class was loaded from a folder it is the file in that folder; where it was loaded from a jar
     * it is a copy, made by the first call on a machine: {@code $XDG_CACHE_HOME/jllm} or {@code ~/.cache/jllm} keeps it, or
     * the temporary folder, until the JVM ends, if that cannot be written. Safe for all threads and processes.
     *
     * @throws UncheckedIOException if no copy can be written
     */
    public static synchronized Path path() {
        if (found.isEmpty()) {
            found = Optional.of(locate());
        }
        return found.get();
    }

    private static Path locate() {
        URL url = resource(FILE);
        Optional<Path> file = file(url);
        if (file.isPresent()) {
            return file.get();
        }
        try {
            Path cache = ResourceCopy.cacheFolder(System.getenv(), System.getProperty("user.home"));
            return new ResourceCopy(url, FILE, digest()).get(cache);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the demo model: " + e.getMessage(), e);
        }
    }

    private static URL resource(String name) {
        URL url = DemoModel.class.getResource(name);
        if (url == null) {
            throw new IllegalStateException("the demo model's jar was built without io/jllm/demo/" + name);
        }
        return url;
    }

    /** The SHA-256 of the model in hexadecimal digits, from the file that {@code sha256sum} wrote. */
    static String digest() throws IOException {
        try (InputStream in = resource(FILE + ".sha256").openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip().split(" ", 2)[0];
        }
    }

    /** The file behind a URL, if it is an ordinary file; an entry of a jar or of a run-time image has none. */
    static Optional<Path> file(URL url) {
        if (!url.getProtocol().equals("file")) {
            return Optional.empty();
        }
        try {
            return Optional.of(Path.of(url.toURI())).filter(Files::isRegularFile);
        } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
            return Optional.empty();
        }
    }
}
