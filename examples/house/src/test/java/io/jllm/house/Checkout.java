package io.jllm.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of the project.
 *
 * @param root its top folder
 */
public record Checkout(Path root) {
    /** The artifact of a library; that of a module comes behind its parent's. */
    private static final Pattern ARTIFACT = Pattern.compile("</parent>\\s*<artifactId>(llm-[^<]+)<");
    private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");

    /** The one in which the tests run. */
    public static Checkout current() {
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            if (Files.exists(p.resolve("llm-core/pom.xml"))) {
                return new Checkout(p);
            }
        }
        throw new IllegalStateException("the tests run outside a checkout: no folder above has llm-core/pom.xml");
    }

    /**
     * A Maven module with main sources.
     *
     * @param folder where it lies
     */
    public record Module(Path folder) {
        /** Whether applications depend on it, as the name of its artifact says; the others are programs. */
        public boolean isLibrary() {
            return ARTIFACT.matcher(pom()).find();
        }

        /** The artifact of a library. */
        public String artifact() {
            return ARTIFACT.matcher(pom()).results().map(m -> m.group(1)).findFirst().orElseThrow();
        }

        String pom() {
            return Checkout.pom(folder);
        }

        /** Whether it is a named module of Java. */
        boolean isNamed() {
            return Files.exists(sources().resolve("module-info.java"));
        }

        Path sources() {
            return folder.resolve("src/main/java");
        }

        /** What the compiler made of its main sources. */
        public Path classes() {
            Path classes = folder.resolve("target/classes");
            if (!Files.exists(classes) || files(classes, ".class").isEmpty()) {
                throw new IllegalStateException(classes + " has not been compiled: build with -am, from the top");
            }
            return classes;
        }
    }

    /** All modules that the build knows and that have main sources. */
    public List<Module> modules() {
        return projects().stream().map(Module::new).filter(m -> Files.isDirectory(m.sources())).toList();
    }

    /** The folders whose README is a map: the top, and those that its build file names. */
    List<Path> rooms() {
        var rooms = new ArrayList<>(List.of(root));
        rooms.addAll(named(root));
        return rooms;
    }

    /** All folders with a build file that the build knows, and the top one. */
    public List<Path> projects() {
        return poms(root);
    }

    private static List<Path> poms(Path folder) {
        var found = new ArrayList<>(List.of(folder));
        named(folder).forEach(child -> found.addAll(poms(child)));
        return found;
    }

    private static List<Path> named(Path folder) {
        return MODULE.matcher(pom(folder)).results().map(m -> folder.resolve(m.group(1))).toList();
    }

    private static String pom(Path folder) {
        try {
            return Files.readString(folder.resolve("pom.xml"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The files below a folder whose names end so, but for what builds and tools leave. */
    public static List<Path> files(Path folder, String... endings) {
        var found = new ArrayList<Path>();
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path p : entries.sorted().toList()) {
                String name = p.getFileName().toString();
                if (Files.isDirectory(p)) {
                    if (!name.equals("target") && !name.equals(".cuda") && !name.equals(".git") && !name.equals(".idea") && !name.equals(".vscode")) {
                        found.addAll(files(p, endings));
                    }
                } else if (Stream.of(endings).anyMatch(name::endsWith)) {
                    found.add(p);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }
}
