package io.jllm.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The files of the project.
 *
 * @param root its top folder
 */
record Checkout(Path root) {
    /** The one in which the tests run. */
    static Checkout current() {
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            if (Files.exists(p.resolve("llm-core/pom.xml"))) {
                return new Checkout(p);
            }
        }
        throw new IllegalStateException("the tests run outside a checkout: no folder above has llm-core/pom.xml");
    }

    /** The folders of library modules. */
    List<Path> libraries() {
        try (Stream<Path> files = Files.list(root)) {
            return files.filter(p -> p.getFileName().toString().startsWith("llm-") && Files.exists(p.resolve("pom.xml"))).sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the compiler made of the library modules. */
    List<Path> libraryClasses() {
        List<Path> folders = libraries().stream().map(p -> p.resolve("target/classes")).toList();
        for (Path folder : folders) {
            if (!Files.exists(folder.resolve("module-info.class"))) {
                throw new IllegalStateException(folder + " has not been compiled: build with -am, from the top");
            }
        }
        return folders;
    }

    /** The files below a folder whose names end so, but for what builds and tools leave. */
    static List<Path> files(Path folder, String... endings) {
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
