package io.jllm.examples.cli.script;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/** A checkout as the script leaves it when it has built: the script, and the jars of the class path that this test has. No sources. */
final class BuiltCheckout {
    private static final String DEMO = "demo-model";

    private BuiltCheckout() {
    }

    /** Makes one. */
    static void make(Path root) throws IOException {
        Path script = sources().resolve("examples/llm");
        Path target = Files.createDirectories(root.resolve("examples/cli/target"));
        Files.copy(script, root.resolve("examples/llm"));
        root.resolve("examples/llm").toFile().setExecutable(true);
        jars(Files.createDirectory(target.resolve("run-tested")));
        Files.writeString(target.resolve("run-current"), "run-tested\n");
    }

    /** The jars that a build puts together. */
    static void jars(Path folder) throws IOException {
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry);
            String name = path.toString().replace(File.separatorChar, '/');
            if (name.endsWith(DEMO + "/target/classes") || name.contains("/" + DEMO + "-") && name.endsWith(".jar")) {
                Path demo = path.resolveSibling("classes"); // beside the jar, where a build has packed it
                jar(demo, folder.resolve("demo-classes.jar"), ".class");
                copy(demo, folder.resolve(DEMO), ".gguf");
            } else if (name.endsWith("/target/classes")) {
                jar(path, folder.resolve(path.getParent().getParent().getFileName() + ".jar"), "");
            } else if (name.endsWith(".jar")) {
                Files.copy(path, folder.resolve(path.getFileName()));
            }
        }
    }

    /** The checkout that is tested. */
    static Path sources() {
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            if (Files.exists(p.resolve("llm-core/pom.xml"))) {
                return p;
            }
        }
        throw new IllegalStateException("the tests run outside a checkout");
    }

    private static void jar(Path classes, Path jar, String ending) throws IOException {
        try (OutputStream out = Files.newOutputStream(jar); var entries = new JarOutputStream(out); Stream<Path> files = Files.walk(classes)) {
            files.filter(f -> Files.isRegularFile(f) && f.toString().endsWith(ending)).forEach(f -> {
                try {
                    entries.putNextEntry(new JarEntry(classes.relativize(f).toString().replace(File.separatorChar, '/')));
                    Files.copy(f, entries);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private static void copy(Path from, Path to, String ending) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path f : files.filter(f -> f.toString().endsWith(ending)).toList()) {
                Path copy = to.resolve(from.relativize(f).toString());
                Files.createDirectories(copy.getParent());
                Files.copy(f, copy);
            }
        }
    }
}
