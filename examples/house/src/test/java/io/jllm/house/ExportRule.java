package io.jllm.house;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassModel;
import java.lang.classfile.attribute.InnerClassInfo;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * No exported type leaks a hidden one: what a public or protected member of a public type of an exported package mentions is
 * itself public, in an exported package, or not ours. Superclasses, interfaces, type arguments and exceptions count.
 */
final class ExportRule {
    private static final Pattern TYPE = Pattern.compile("L([\\w/$]+)");

    private final Map<String, ClassModel> classes = new HashMap<>();
    private final Set<String> exported = new HashSet<>();
    private final Set<String> leaks = new TreeSet<>();

    private ExportRule() {
    }

    /** Every leak of the modules in these folders, in words. */
    static Set<String> leaks(List<Path> classFolders) {
        var rule = new ExportRule();
        classFolders.forEach(rule::add);
        rule.classes.values().stream().filter(rule::isVisible).forEach(rule::check);
        return rule.leaks;
    }

    private void add(Path folder) {
        try (InputStream in = Files.newInputStream(folder.resolve("module-info.class"))) {
            ModuleDescriptor.read(in).exports().stream().filter(e -> !e.isQualified())
                    .forEach(e -> exported.add(e.source().replace('.', '/')));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (Path file : Checkout.files(folder, ".class")) {
            ClassModel model = ClassRules.parse(file);
            classes.put(model.thisClass().asInternalName(), model);
        }
    }

    /** Whether users of the module can name the type: it and what it is nested in are public, or protected inside another. */
    private boolean isVisible(ClassModel model) {
        String name = model.thisClass().asInternalName();
        int slash = name.lastIndexOf('/');
        if (slash < 0 || !exported.contains(name.substring(0, slash))) {
            return false;
        }
        var nesting = model.findAttribute(Attributes.innerClasses()).stream().flatMap(a -> a.classes().stream())
                .filter(i -> i.innerClass().asInternalName().equals(name)).findFirst();
        if (nesting.isEmpty()) {
            return model.flags().has(AccessFlag.PUBLIC);
        }
        InnerClassInfo inner = nesting.get();
        ClassModel outer = inner.outerClass().map(ClassEntry::asInternalName).map(classes::get).orElse(null);
        return (inner.has(AccessFlag.PUBLIC) || inner.has(AccessFlag.PROTECTED)) && outer != null && isVisible(outer);
    }

    private void check(ClassModel model) {
        String name = model.thisClass().asInternalName().replace('/', '.');
        model.superclass().ifPresent(type -> mention(type.asInternalName(), name, "extends"));
        model.interfaces().forEach(type -> mention(type.asInternalName(), name, "implements"));
        model.findAttribute(Attributes.signature()).ifPresent(s ->
                mentions(s.signature().stringValue(), name, "extends or implements"));
        for (var field : model.fields()) {
            if (field.flags().has(AccessFlag.PUBLIC) || field.flags().has(AccessFlag.PROTECTED)) {
                String what = "has the field " + field.fieldName() + " of";
                mentions(field.fieldType().stringValue(), name, what);
                field.findAttribute(Attributes.signature()).ifPresent(s -> mentions(s.signature().stringValue(), name, what));
            }
        }
        for (var method : model.methods()) {
            if ((method.flags().has(AccessFlag.PUBLIC) || method.flags().has(AccessFlag.PROTECTED))
                    && !method.flags().has(AccessFlag.SYNTHETIC)) {
                String what = "has the method " + method.methodName() + " with";
                mentions(method.methodType().stringValue(), name, what);
                method.findAttribute(Attributes.signature()).ifPresent(s -> mentions(s.signature().stringValue(), name, what));
                method.findAttribute(Attributes.exceptions())
                        .ifPresent(e -> e.exceptions().forEach(type -> mention(type.asInternalName(), name, what)));
            }
        }
    }

    private void mentions(String descriptor, String by, String how) {
        Matcher types = TYPE.matcher(descriptor);
        while (types.find()) {
            mention(types.group(1), by, how);
        }
    }

    private void mention(String type, String by, String how) {
        ClassModel model = classes.get(type);
        if (model != null && !isVisible(model)) {
            leaks.add(by + " " + how + " " + type.replace('/', '.') + ", which is hidden");
        }
    }
}
