package io.jllm.examples.deployment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/** Folders of classes with a service file that names backends of somebody else's, good ones and bad ones. */
final class BrokenBackends {
    private static final String PROVIDER = """
            package other;
            import io.jllm.spi.*;
            public class %s %s {
                public String name() { return "%s"; }
                public Probe probe() { return new Probe.Available(-1, "a device"); }
                public Backend open(BackendOptions o) { throw new NoClassDefFoundError("other/Gone"); }
                %s
            }
            """;
    private static final String IMPLEMENTS = "implements BackendProvider";
    /** Class files of a version that no JVM reads yet. */
    private static final int LATER_VERSION = 99;

    /** Most ways in which a backend can be of no use, by the name of its class: what is said of it. */
    static final Map<String, String> REASONS = Map.of(
            "other.Missing", "Provider other.Missing not found",
            "other.NotOne", "other.NotOne not a subtype",
            "other.Hidden", "NoSuchMethodException: other.Hidden.<init>()",
            "other.Shapeless", "Provider other.Shapeless could not be instantiated",
            "other.Later", "other/Later has been compiled by a more recent version of the Java Runtime (class file version 99.0)",
            "other.Orphan", "java.lang.NoClassDefFoundError: other/Parent",
            "other.ThrowsWhenMade", "Provider other.ThrowsWhenMade could not be instantiated (java.lang.IllegalStateException: made badly)",
            "other.ThrowsWhenInitialised", "Provider other.ThrowsWhenInitialised could not be instantiated",
            "other.Nameless", "other.Nameless: java.lang.NullPointerException");

    private BrokenBackends() {
    }

    /** Writes and compiles all of them, and names them in a service file. */
    static Path write(Path folder) throws IOException {
        var sources = new LinkedHashMap<String, String>();
        sources.put("NotOne", "package other; public class NotOne { }");
        sources.put("Hidden", provider("Hidden", IMPLEMENTS, "private Hidden() { }"));
        sources.put("Shapeless", "package other; public abstract class Shapeless implements io.jllm.spi.BackendProvider { public Shapeless() { } }");
        sources.put("Later", provider("Later", IMPLEMENTS, ""));
        sources.put("Parent", provider("Parent", IMPLEMENTS, ""));
        sources.put("Orphan", "package other; public class Orphan extends Parent { }");
        sources.put("ThrowsWhenMade", provider("ThrowsWhenMade", IMPLEMENTS,
                "public ThrowsWhenMade() { throw new IllegalStateException(\"made badly\"); }"));
        sources.put("ThrowsWhenInitialised", provider("ThrowsWhenInitialised", IMPLEMENTS, "static final int X = Integer.parseInt(\"none\");"));
        sources.put("Nameless", provider("Nameless", IMPLEMENTS, "").replace("\"nameless\"", "null"));
        sources.put("ThrowsWhenProbed", provider("ThrowsWhenProbed", IMPLEMENTS, "").replace("new Probe.Available(-1, \"a device\")", "fail()")
                .replaceFirst("\\}\\s*$", "static Probe fail() { throw new UnsatisfiedLinkError(\"no library\"); } }"));
        sources.put("ProbesNothing", provider("ProbesNothing", IMPLEMENTS, "").replace("new Probe.Available(-1, \"a device\")", "null"));
        compile(folder, sources);
        Files.delete(folder.resolve("other/Parent.class"));
        byte[] later = Files.readAllBytes(folder.resolve("other/Later.class"));
        later[7] = LATER_VERSION;
        Files.write(folder.resolve("other/Later.class"), later);
        name(folder, String.join("\n", REASONS.keySet()) + "\nother.ThrowsWhenProbed\nother.ProbesNothing\n");
        return folder;
    }

    /** A sound one, called {@code sound}, whose device takes no model. */
    static Path writeSound(Path folder) throws IOException {
        compile(folder, Map.of("Sound", provider("Sound", IMPLEMENTS, "")));
        name(folder, "other.Sound\n");
        return folder;
    }

    private static void name(Path folder, String lines) throws IOException {
        Path file = folder.resolve("META-INF/services/io.jllm.spi.BackendProvider");
        Files.createDirectories(file.getParent());
        Files.writeString(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static String provider(String type, String supertypes, String more) {
        return PROVIDER.formatted(type, supertypes, type.toLowerCase(Locale.ROOT), more);
    }

    private static void compile(Path folder, Map<String, String> sources) throws IOException {
        Path src = Files.createTempDirectory("backends");
        for (Map.Entry<String, String> s : sources.entrySet()) {
            Files.writeString(src.resolve(s.getKey() + ".java"), s.getValue());
        }
        String[] files = sources.keySet().stream().map(n -> src.resolve(n + ".java").toString()).toArray(String[]::new);
        var words = Stream.concat(Stream.of("-d", folder.toString(), "-cp", Application.path()), Arrays.stream(files))
                .toArray(String[]::new);
        if (ToolProvider.getSystemJavaCompiler().run(null, System.err, System.err, words) != 0) {
            throw new IllegalStateException("the backends of the test do not compile");
        }
        for (String f : files) {
            Files.delete(Path.of(f));
        }
        Files.delete(src);
    }
}
