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
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Rules about the files of the project. */
final class SourceRules {
    private static final int MOST_LINES = 300;
    private static final int MOST_LINES_OF_GENERATORS = 400;
    private static final int MOST_FILES = 28;
    private static final int MOST_COLUMNS = 150;
    /** Bindings that jextract wrote. */
    private static final String GENERATED = "/cuda/ffi/";
    private static final Pattern STRING = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"");
    private static final Set<String> TOP = Set.of(".ci", ".git", ".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "examples",
            "jmh", "llm-core", "llm-cpu", "llm-cuda", "llm-quant", "llm-sampling", "pom.xml");
    /** Folders of one machine or of one person's account. */
    private static final Pattern MACHINE_PATH = Pattern.compile("(?<![\\w.}~$-])/(work|tmp|root|home|Users)/\\w|\\b[A-Z]:\\\\(Users|work)");

    private SourceRules() {
    }

    /** Files of main sources that are too long to be read at once. Generators of machine code may be longer, generated bindings are not read. */
    static Set<String> longFiles(Path root) {
        var found = new TreeSet<String>();
        for (Path file : Checkout.files(root, ".java")) {
            String name = unix(root.relativize(file));
            long lines = read(file).lines().count();
            int most = name.contains("/cpu/machine/") ? MOST_LINES_OF_GENERATORS : MOST_LINES;
            if (name.contains("src/main/") && !name.contains(GENERATED) && lines > most) {
                found.add(name + " has " + lines + " lines, of " + most);
            }
        }
        return found;
    }

    /** Packages, of tests too, with more files than one can have in view. */
    static Set<String> crowdedPackages(Path root) {
        var found = new TreeSet<String>();
        Checkout.files(root, ".java").stream().collect(Collectors.groupingBy(Path::getParent, Collectors.counting())).forEach((folder, files) -> {
            if (files > MOST_FILES) {
                found.add(unix(root.relativize(folder)) + " has " + files + " files, of " + MOST_FILES);
            }
        });
        return found;
    }

    /**
     * Lines that are too wide. What strings hold does not count, for they are broken where their text is; nor do text blocks and macros,
     * which cannot be broken anywhere.
     */
    static Set<String> wideLines(Path root) {
        var found = new TreeSet<String>();
        for (Path file : Checkout.files(root, ".java", ".cu", ".cuh")) {
            String name = unix(root.relativize(file));
            List<String> lines = name.contains(GENERATED) ? List.of() : read(file).lines().toList();
            boolean inTextBlock = false;
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                boolean exempt = inTextBlock || !name.endsWith(".java") && (line.startsWith("#define") || line.endsWith("\\"));
                if (line.split("\"\"\"", -1).length % 2 == 0) {
                    inTextBlock = !inTextBlock;
                }
                if (!exempt && STRING.matcher(line).replaceAll("\"\"").length() > MOST_COLUMNS) {
                    found.add(name + ":" + (i + 1) + " has " + line.length() + " columns, of " + MOST_COLUMNS);
                }
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
