package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backends are found whatever the context class loader sees, and one that is of no use spoils nothing. */
class BackendSearchTest {
    private final String text = Application.text(Teller.tell(Application.model().toString()));

    @TempDir
    private Path folder;

    @FunctionalInterface
    private interface Work<T> {
        T run() throws Exception;
    }

    private static <T> T in(ClassLoader context, Work<T> work) throws Exception {
        Thread me = Thread.currentThread();
        ClassLoader before = me.getContextClassLoader();
        me.setContextClassLoader(context);
        try {
            return work.run();
        } finally {
            me.setContextClassLoader(before);
        }
    }

    /** Loads with a backend by name, which fails; the message. */
    private static String failure(ClassLoader loader, String backend) {
        var thrown = assertThrows(InvocationTargetException.class, () -> {
            Object builder = loader.loadClass("io.jllm.LLM").getMethod("load", Path.class).invoke(null, Application.model());
            builder = builder.getClass().getMethod("backend", String.class).invoke(builder, backend);
            builder.getClass().getMethod("open").invoke(builder);
        }).getCause();
        assertEquals("io.jllm.ModelLoadException", thrown.getClass().getName(), thrown.toString());
        return thrown.getMessage();
    }

    @Test
    void anotherCopyInTheContext() throws Exception {
        try (var other = Application.loader(Application.jars()); var mine = Application.loader(Application.jars())) {
            assertEquals(text, Application.text(in(other, () -> Application.tell(mine))));
            assertEquals(text, Application.text(in(mine, () -> Application.tell(other))));
            assertEquals(text, Application.text(in(other, () -> Application.tell(getClass().getClassLoader()))));
            assertTrue(in(other, () -> failure(mine, "tpu")).contains("there is no backend tpu; found: "));
        }
    }

    /** In the context alone: an application server's own, an application's. */
    @Test
    void badOnesInTheContext() throws Exception {
        BrokenBackends.write(folder);
        try (var mine = Application.loader(Application.jars()); var bad = Application.loader(List.of(folder), mine)) {
            assertEquals(text, Application.text(in(bad, () -> Application.tell(mine))));
            assertSaysAll(in(bad, () -> failure(mine, "tpu")));
            assertEquals(text, Application.text(Application.tell(mine)));
        }
    }

    /** Beside the library, where every thread finds them, and before its own. */
    @Test
    void badOnesBesideTheLibrary() throws Exception {
        BrokenBackends.write(folder);
        try (var mine = Application.loader(Stream.concat(Stream.of(folder), Application.jars().stream()).toList())) {
            assertEquals(text, Application.text(in(null, () -> Application.tell(mine))));
            assertSaysAll(in(null, () -> failure(mine, "tpu")));
            assertEquals(text, Application.text(Application.tell(mine)));
        }
    }

    private static void assertSaysAll(String message) {
        for (Map.Entry<String, String> reason : BrokenBackends.REASONS.entrySet()) {
            assertEquals(2, message.split(Pattern.quote(reason.getValue()), -1).length, reason + " once in " + message);
        }
        assertTrue(message.startsWith("there is no backend tpu; found: "), message);
    }

    /** Asked for by name, a backend that cannot even say whether it runs here is the one that the message is about. */
    @Test
    void badProbes() throws Exception {
        BrokenBackends.write(folder);
        try (var mine = Application.loader(Application.jars()); var bad = Application.loader(List.of(folder), mine)) {
            String thrown = in(bad, () -> failure(mine, "throwswhenprobed"));
            assertTrue(thrown.startsWith("no backend can run here; throwswhenprobed: java.lang.UnsatisfiedLinkError: no library"), thrown);
            String nothing = in(bad, () -> failure(mine, "probesnothing"));
            assertTrue(nothing.startsWith("no backend can run here; probesnothing: it does not say whether it can"), nothing);
        }
    }

    /** One that only the application knows is found; when it breaks while it is opened, that is a failure to load like any other. */
    @Test
    void aSoundOneInTheContext() throws Exception {
        BrokenBackends.write(folder);
        BrokenBackends.writeSound(folder);
        try (var mine = Application.loader(Application.jars()); var sound = Application.loader(List.of(folder), mine)) {
            assertTrue(in(sound, () -> failure(mine, "sound")).endsWith("java.lang.NoClassDefFoundError: other/Gone"));
            assertTrue(in(null, () -> failure(mine, "sound")).startsWith("there is no backend sound; found: "));
            assertEquals(text, Application.text(in(sound, () -> Application.tell(mine))));
        }
    }

    @Test
    void aServiceFileThatIsNone() throws Exception {
        Path file = folder.resolve("META-INF/services/io.jllm.spi.BackendProvider");
        Files.createDirectories(file.getParent());
        Files.write(file, new byte[] {0x50, 0x4b, 3, 4, (byte) 0xff, 0, 10, 'a', ' ', 'b'});
        try (var mine = Application.loader(Stream.concat(Stream.of(folder), Application.jars().stream()).toList())) {
            assertEquals(text, Application.text(Application.tell(mine)));
        }
    }

    /** A closed application's class loader, one that throws, and one that never comes to an end of its errors. */
    @Test
    void contextsThatFail() throws Exception {
        var closed = Application.loader(Application.jars());
        closed.close();
        var failing = new ClassLoader(null) {
            @Override
            public Enumeration<URL> getResources(String name) throws IOException {
                throw new IOException("the disk is gone");
            }
        };
        var broken = new ClassLoader(null) {
            @Override
            public Enumeration<URL> getResources(String name) {
                throw new IllegalStateException("zip file closed");
            }
        };
        var empty = new ClassLoader(null) {
            @Override
            public Enumeration<URL> getResources(String name) {
                return Collections.emptyEnumeration();
            }
        };
        try (var mine = Application.loader(Application.jars())) {
            for (ClassLoader context : List.of(closed, failing, broken, empty)) {
                assertEquals(text, Application.text(in(context, () -> Application.tell(mine))));
            }
            assertTrue(in(failing, () -> failure(mine, "tpu")).contains("the disk is gone"));
        }
    }

    @Test
    void withoutAnyBackendTheMessageSaysWhatToAdd() throws Exception {
        List<Path> jars = Application.jars().stream().filter(j -> !j.getFileName().toString().matches("llm-(cpu|cuda)-.*")).toList();
        try (URLClassLoader mine = Application.loader(jars)) {
            assertEquals("no backend was found; add the dependency io.jllm:llm-cpu", in(ClassLoader.getPlatformClassLoader(),
                    () -> failure(mine, "cpu")));
        }
    }
}
