package io.jllm.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Rules about the files of the project. */
final class SourceRules {
    private static final int MOST_LINES = 300;
    private static final Set<String> TOP = Set.of(".ci", ".git", ".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "examples",
            "jmh", "llm-core", "llm-cpu", "llm-cuda", "llm-quant", "llm-sampling", "pom.xml");
    /** Folders of one machine or of one person's account. */
    private static final Pattern MACHINE_PATH = Pattern.compile("(?<![\\w.}~$-])/(work|tmp|root|home|Users)/\\w|\\b[A-Z]:\\\\(Users|work)");

    private SourceRules() {
    }

    /** Files of main sources that are too long to be read at once; kernels and generated bindings may be. */
    static Set<String> longFiles(Path root) {
        var found = new TreeSet<String>();
        for (Path file : Checkout.files(root, ".java")) {
            String name = unix(root.relativize(file));
            long lines = read(file).lines().count();
            if (name.contains("src/main/") && !name.contains("/kernels/") && !name.contains("/cuda/ffi/") && lines > MOST_LINES) {
                found.add(name + " has " + lines + " lines, of " + MOST_LINES);
            }
        }
        return found;
    }

    /** Things at the top that do not belong there; what .gitignore names may lie there. */
    static Set<String> strangers(Path root) {
        List<Pattern> ignored = read(root.resolve(".gitignore")).lines().filter(l -> !l.isBlank() && !l.startsWith("#"))
                .map(l -> Pattern.compile(Stream.of(l.strip().replaceAll("^/|/$", "").split("\\*", -1)).map(Pattern::quote)
                        .reduce((a, b) -> a + ".*" + b).orElseThrow()))
                .toList();
        try (Stream<Path> entries = Files.list(root)) {
            var found = new TreeSet<String>();
            entries.map(p -> p.getFileName().toString())
                    .filter(name -> !TOP.contains(name) && ignored.stream().noneMatch(p -> p.matcher(name).matches()))
                    .forEach(found::add);
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Paths that exist on somebody's machine only. */
    static Set<String> machinePaths(Path root) {
        var found = new TreeSet<String>();
        for (Path file : Checkout.files(root, ".java", ".md", ".xml", ".json", ".jsonl", ".sh", ".py", ".properties",
                "llm", "run")) {
            List<String> lines = read(file).lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                if (MACHINE_PATH.matcher(lines.get(i)).find()) {
                    found.add(unix(root.relativize(file)) + ":" + (i + 1));
                }
            }
        }
        return found;
    }

    private static String unix(Path path) {
        return path.toString().replace('\\', '/');
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (MalformedInputException e) {
            return ""; // no text
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
