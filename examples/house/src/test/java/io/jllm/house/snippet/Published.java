package io.jllm.house.snippet;

import io.jllm.house.Checkout;
import io.jllm.house.Checkout.Module;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The libraries of this build as a Maven repository in a folder. */
final class Published {
    private static final Pattern COORDINATES = Pattern.compile("(?:</modelVersion>|</parent>|-->)\\s*(?:<groupId>[^<]+</groupId>\\s*)?<artifactId>([^<]+)</artifactId>");
    private static final Pattern VERSION = Pattern.compile("<groupId>io\\.jllm</groupId>\\s*<artifactId>[^<]+</artifactId>\\s*<version>([^<$]+)</version>");

    private Published() {
    }

    /** A release, where this build just made one; else what was compiled, packed below the folder. */
    static Path of(Checkout checkout, Path folder) throws IOException {
        Path release = Path.of(System.getProperty("jllm.central", "none"));
        if (Files.isDirectory(release.resolve("io/jllm/llm-core"))) {
            return release;
        }
        for (Path project : checkout.projects()) {
            String pom = Files.readString(project.resolve("pom.xml"));
            Path place = place(folder, first(COORDINATES, pom), first(VERSION, pom));
            Files.copy(project.resolve("pom.xml"), place.resolveSibling(place.getFileName() + ".pom"));
        }
        String version = first(VERSION, Files.readString(checkout.root().resolve("pom.xml")));
        for (Module library : checkout.modules().stream().filter(Module::isLibrary).toList()) {
            Path place = place(folder, library.artifact(), version);
            pack(library.classes(), place.resolveSibling(place.getFileName() + ".jar"));
        }
        return folder;
    }

    private static String first(Pattern pattern, String pom) {
        return pattern.matcher(pom).results().map(m -> m.group(1)).findFirst().orElseThrow(() -> new AssertionError("not found in " + pom));
    }

    /** Where the files of an artifact lie, less the endings of their names. */
    private static Path place(Path folder, String artifact, String version) throws IOException {
        return Files.createDirectories(folder.resolve("io/jllm").resolve(artifact).resolve(version)).resolve(artifact + "-" + version);
    }

    private static void pack(Path classes, Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar); var out = new JarOutputStream(file); Stream<Path> found = Files.walk(classes)) {
            for (Path p : found.filter(Files::isRegularFile).sorted().toList()) {
                out.putNextEntry(new JarEntry(classes.relativize(p).toString().replace('\\', '/')));
                Files.copy(p, out);
                out.closeEntry();
            }
        }
    }
}
