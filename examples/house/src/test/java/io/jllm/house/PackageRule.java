package io.jllm.house;

import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The packages of a module use each other in one direction: no way leads from one through others back to it. What a class names counts,
 * in code, in signatures and in annotations.
 */
final class PackageRule {
    /** Where an application enters: these make the engine, while the other types of their package are values that everything uses. */
    private static final Set<String> ENTRY = Set.of("io.jllm.LLM", "io.jllm.LlmBuilder", "io.jllm.Backends");
    private static final String ENTRY_NODE = "io.jllm (entry)";

    /** Ways back that are meant: an interface finds its implementations for whoever asks it. */
    private static final Set<String> MEANT = Set.of("io.jllm.engine -> " + ENTRY_NODE, "io.jllm.quant -> io.jllm.quant.codec");

    private static final Pattern TYPE = Pattern.compile("L([\\w/$]+)[;<]");

    private final Map<String, Map<String, String>> uses = new TreeMap<>();

    private PackageRule() {
    }

    /** Each use between packages that is part of a circle. */
    static Set<String> circles(Iterable<Path> classFolders) {
        var found = new TreeSet<String>();
        for (Path folder : classFolders) {
            var rule = new PackageRule();
            rule.read(folder);
            rule.report(found);
        }
        return found;
    }

    private void read(Path folder) {
        List<ClassModel> models = Checkout.files(folder, ".class").stream().map(ClassRules::parse).filter(m -> !m.isModuleInfo()).toList();
        var own = new HashSet<String>();
        models.forEach(m -> own.add(m.thisClass().asInternalName()));
        for (ClassModel model : models) {
            String user = name(model.thisClass().asInternalName());
            model.constantPool().forEach(entry -> {
                Stream<String> types = switch (entry) {
                    case ClassEntry type -> Stream.of(type.asInternalName());
                    case Utf8Entry text -> TYPE.matcher(text.stringValue()).results().map(m -> m.group(1));
                    default -> Stream.of();
                };
                types.filter(own::contains).forEach(type -> add(user, name(type)));
            });
        }
    }

    private void add(String user, String used) {
        String from = node(user);
        String to = node(used);
        if (!from.equals(to) && !MEANT.contains(from + " -> " + to)) {
            uses.computeIfAbsent(from, _ -> new TreeMap<>()).putIfAbsent(to, user + " uses " + used);
        }
    }

    /** The class that stands in a file of its own. */
    private static String name(String internal) {
        return internal.replaceAll("\\$.*", "").replace('/', '.');
    }

    private static String node(String name) {
        return ENTRY.contains(name) ? ENTRY_NODE : name.substring(0, Math.max(name.lastIndexOf('.'), 0));
    }

    private void report(Set<String> found) {
        uses.forEach((from, targets) -> targets.forEach((to, example) -> {
            if (reaches(to, from)) {
                found.add(from + " -> " + to + " is part of a circle: " + example);
            }
        }));
    }

    private boolean reaches(String from, String to) {
        var seen = new HashSet<>(Set.of(from));
        var next = new ArrayDeque<>(seen);
        while (!next.isEmpty()) {
            String here = next.remove();
            if (here.equals(to)) {
                return true;
            }
            uses.getOrDefault(here, Map.of()).keySet().stream().filter(seen::add).forEach(next::add);
        }
        return false;
    }
}
