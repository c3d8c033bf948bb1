package io.jllm.house;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What a module provides is declared for the module path and for the class path alike. */
final class ServiceRule {
    private ServiceRule() {
    }

    /** Providers that only one of the two knows. */
    static Set<String> disagreements(List<Path> classFolders) {
        var found = new TreeSet<String>();
        try {
            for (Path folder : classFolders) {
                Set<String> declared = declared(folder);
                Set<String> listed = listed(folder.resolve("META-INF/services"));
                declared.stream().filter(p -> !listed.contains(p)).forEach(p -> found.add(p + " is in module-info only"));
                listed.stream().filter(p -> !declared.contains(p)).forEach(p -> found.add(p + " is in META-INF/services only"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static Set<String> declared(Path folder) throws IOException {
        var found = new HashSet<String>();
        try (InputStream in = Files.newInputStream(folder.resolve("module-info.class"))) {
            ModuleDescriptor.read(in).provides().forEach(p ->
                    p.providers().forEach(name -> found.add(p.service() + " by " + name)));
        }
        return found;
    }

    private static Set<String> listed(Path services) throws IOException {
        var found = new HashSet<String>();
        if (Files.isDirectory(services)) {
            for (Path file : Checkout.files(services, "")) {
                Files.readAllLines(file).stream().map(l -> l.replaceAll("#.*", "").strip()).filter(l -> !l.isEmpty())
                        .forEach(name -> found.add(file.getFileName() + " by " + name));
            }
        }
        return found;
    }
}
