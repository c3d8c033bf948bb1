package io.jllm.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/**
 * A resource as a file of its own. The copy carries the first digits of its digest in its name, is written under another name
 * and moved into place whole, and is checked against the digest before each use: another process sees all of it or none, and
 * a damaged copy is replaced.
 *
 * @param source the resource
 * @param name file name of the copy
 * @param sha256 digest that the bytes must have, hexadecimal
 */
record ResourceCopy(URL source, String name, String sha256) {
    /** The user's folder for things that can be made again. */
    static Path cacheFolder(Map<String, String> environment, String home) {
        String set = environment.getOrDefault("XDG_CACHE_HOME", "");
        return (set.isEmpty() ? Path.of(home, ".cache") : Path.of(set)).resolve("jllm");
    }

    /** The copy in that folder, or in the temporary folder if that one cannot be written. */
    Path get(Path folder) throws IOException {
        Path target = folder.resolve(sha256.substring(0, 12) + "-" + name);
        if (isWhole(target)) {
            return target;
        }
        Path fresh;
        try {
            Files.createDirectories(folder);
            fresh = Files.createTempFile(folder, name, ".part");
        } catch (IOException e) {
            Path temporary = Files.createTempFile(name, "");
            temporary.toFile().deleteOnExit();
            write(temporary);
            return temporary;
        }
        try {
            write(fresh);
            move(fresh, target);
            return target;
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private boolean isWhole(Path file) throws IOException {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            return false;
        }
        MessageDigest digest = newDigest();
        try (var sink = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            Files.copy(file, sink);
        }
        return matches(digest);
    }

    private void write(Path to) throws IOException {
        MessageDigest digest = newDigest();
        URLConnection connection = source.openConnection();
        connection.setUseCaches(false); // the JVM would hold the jar open, and read on from it when another has taken its place
        try (InputStream in = connection.getInputStream(); var out = new DigestOutputStream(Files.newOutputStream(to), digest)) {
            in.transferTo(out);
        }
        if (!matches(digest)) {
            throw new IOException("the resource " + name + " has not the SHA-256 " + sha256
                    + " that it should: the jar is damaged");
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private boolean matches(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest()).equals(sha256);
    }

    private static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
