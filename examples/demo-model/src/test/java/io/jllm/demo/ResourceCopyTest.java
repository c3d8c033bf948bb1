package io.jllm.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResourceCopyTest {
    @TempDir
    private Path folder;
    private byte[] content;
    private ResourceCopy copy;

    @BeforeEach
    void jar() throws Exception {
        content = new byte[300_000];
        new Random(1).nextBytes(content);
        Path jar = folder.resolve("with blank.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new JarEntry("a/model.bin"));
            out.write(content);
        }
        URL entry = URI.create("jar:" + jar.toUri() + "!/a/model.bin").toURL();
        copy = new ResourceCopy(entry, "model.bin", sha256(content));
    }

    @Test
    void copiesOnceAndKeepsTheCopy() throws Exception {
        Path cache = folder.resolve("cache/jllm");
        Path first = copy.get(cache);
        assertArrayEquals(content, Files.readAllBytes(first));
        var time = Files.getLastModifiedTime(first);
        assertEquals(first, copy.get(cache));
        assertEquals(time, Files.getLastModifiedTime(first));
        assertEquals(List.of(first), list(cache));
    }

    @Test
    void replacesADamagedCopy() throws Exception {
        Path cache = folder.resolve("cache");
        Path first = copy.get(cache);
        byte[] damaged = content.clone();
        damaged[1000] ^= 1;
        Files.write(first, damaged);
        assertArrayEquals(content, Files.readAllBytes(copy.get(cache)));
        Files.write(first, new byte[10]);
        assertArrayEquals(content, Files.readAllBytes(copy.get(cache)));
    }

    @Test
    void refusesADamagedResourceAndLeavesNothing() throws Exception {
        Path cache = folder.resolve("cache");
        var wrong = new ResourceCopy(copy.source(), copy.name(), sha256(new byte[1]));
        var e = assertThrows(IOException.class, () -> wrong.get(cache));
        assertTrue(e.getMessage().contains("SHA-256"), e.getMessage());
        assertEquals(List.of(), list(cache));
    }

    @Test
    void fallsBackToTheTemporaryFolder() throws Exception {
        Path notAFolder = Files.writeString(folder.resolve("file"), "x");
        Path path = copy.get(notAFolder.resolve("jllm"));
        assertArrayEquals(content, Files.readAllBytes(path));
        assertNotEquals(notAFolder.resolve("jllm"), path.getParent());
        Files.delete(path);
    }

    @Test
    void manyAtOnceGetTheSameWholeFile() throws Exception {
        Path cache = folder.resolve("cache");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<byte[]> read = () -> Files.readAllBytes(copy.get(cache));
            for (var f : threads.invokeAll(Collections.nCopies(16, read))) {
                assertArrayEquals(content, f.get());
            }
        }
        assertEquals(1, list(cache).size());
    }

    @Test
    void cacheFolderFollowsTheEnvironment() {
        assertEquals(Path.of("x", "jllm"), ResourceCopy.cacheFolder(Map.of("XDG_CACHE_HOME", "x"), "h"));
        assertEquals(Path.of("h", ".cache", "jllm"), ResourceCopy.cacheFolder(Map.of("XDG_CACHE_HOME", ""), "h"));
    }

    @Test
    void findsFilesBehindUrls() throws Exception {
        Path file = Files.writeString(folder.resolve("a b%.txt"), "x");
        assertEquals(file, DemoModel.file(file.toUri().toURL()).orElseThrow());
        assertTrue(DemoModel.file(copy.source()).isEmpty());
        assertTrue(DemoModel.file(folder.resolve("absent").toUri().toURL()).isEmpty());
    }

    @Test
    void theModelIsWhatItsDigestSays() throws Exception {
        assertEquals(DemoModel.digest(), sha256(Files.readAllBytes(DemoModel.path())));
    }

    private static List<Path> list(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
