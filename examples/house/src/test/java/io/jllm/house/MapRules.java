package io.jllm.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Every room has a map at its door: a package its package-info, a module its README. What they name is there. */
final class MapRules {
    private static final int LEAST_LINES = 5;
    /** Files that a package's map names at least, where it has as many. */
    private static final int LEAST_NAMED = 2;
    private static final Pattern LINK = Pattern.compile("\\{@link(?:plain)? (?:([a-z][\\w.]*)\\.)?([A-Z]\\w*)[^}]*}");
    private static final Pattern TARGET = Pattern.compile("]\\(([^)#]+)[^)]*\\)");
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Pattern PACKAGE = Pattern.compile("io\\.jllm(\\.[a-z]\\w*)+");
    private static final Pattern FILE = Pattern.compile("(?:[\\w.-]+/)*[\\w-]+\\.(?:java|cu|cuh|md|xml|jsonl|py)");
    private static final Pattern TYPE = Pattern.compile("[A-Z][A-Z0-9]*[a-z]\\w*");

    private MapRules() {
    }

    /** Packages of main sources without a map, and names on maps that are not in the package. */
    static Set<String> packages(Path root, List<Path> sourceFolders) {
        var found = new TreeSet<String>();
        for (Path folder : sourceFolders) {
            Checkout.files(folder, ".java").stream().map(Path::getParent).distinct().filter(p -> !p.equals(folder)).forEach(p -> {
                Path info = p.resolve("package-info.java");
                String name = unix(root.relativize(p));
                if (Files.exists(info)) {
                    complaints(read(info), folder, p).forEach(complaint -> found.add(name + ": its package-info.java " + complaint));
                } else {
                    found.add(name + " has no package-info.java");
                }
            });
        }
        return found;
    }

    private static List<String> complaints(String text, Path sources, Path here) {
        var found = new ArrayList<String>();
        var named = new HashSet<String>();
        LINK.matcher(text).results().forEach(link -> {
            Path there = link.group(1) == null ? here : sources.resolve(link.group(1).replace('.', '/'));
            boolean ours = Files.isDirectory(there); // other modules are not looked into
            if (ours && !Files.exists(there.resolve(link.group(2) + ".java"))) {
                found.add("names " + link.group(2) + ", which is not there");
            } else if (there.equals(here)) {
                named.add(link.group(2));
            }
        });
        long files = Checkout.files(here, ".java").stream().filter(f -> f.getParent().equals(here)).count() - 1;
        if (text.lines().count() < LEAST_LINES || named.size() < Math.min(LEAST_NAMED, files)) {
            found.add("does not list its files in reading order, in " + LEAST_LINES + " lines or more");
        }
        return found;
    }

    /** Folders without a README, and files, packages and types that a README names and that do not exist. */
    static Set<String> readmes(Path root, List<Path> rooms) {
        List<String> files = Checkout.files(root, "").stream().map(f -> unix(root.relativize(f))).toList();
        Set<String> types = files.stream().filter(f -> f.endsWith(".java")).map(f -> f.replaceAll(".*/|\\.java$", ""))
                .collect(Collectors.toSet());
        var found = new TreeSet<String>();
        for (Path room : rooms) {
            Path readme = room.resolve("README.md");
            String name = unix(root.relativize(readme));
            if (!Files.exists(readme)) {
                found.add(name + " is missing");
                continue;
            }
            String text = read(readme).replaceAll("(?s)```.*?```", "");
            TARGET.matcher(text).results().map(m -> m.group(1)).filter(t -> !t.contains(":") && !Files.exists(room.resolve(t)))
                    .forEach(t -> found.add(name + " links to " + t + ", which does not exist"));
            CODE.matcher(text).results().map(m -> m.group(1)).filter(code -> isMissing(code, files, types))
                    .forEach(code -> found.add(name + " names " + code + ", which does not exist"));
        }
        return found;
    }

    private static boolean isMissing(String code, List<String> files, Set<String> types) {
        if (PACKAGE.matcher(code).matches()) {
            return files.stream().noneMatch(f -> f.contains("src/main/") && f.contains("/" + code.replace('.', '/') + "/"));
        }
        if (FILE.matcher(code).matches()) {
            return files.stream().noneMatch(f -> ("/" + f).endsWith("/" + code));
        }
        return TYPE.matcher(code).matches() && !types.contains(code);
    }

    private static String unix(Path path) {
        return path.toString().replace('\\', '/');
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
