package io.jllm.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.reflect.AccessFlag;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Rules that can be read off a compiled class. Each names the classes that break it, and how. */
final class ClassRules {
    /** The only packages whose classes may name the Vector API. */
    private static final List<String> VECTOR_PACKAGES = List.of("io/jllm/cpu/vector/");
    /** The only packages that may bind native code. */
    private static final List<String> NATIVE_PACKAGES = List.of("io/jllm/cpu/os/", "io/jllm/cuda/driver/", "io/jllm/cuda/ffi/");

    /** Generated bindings can trace their calls; nobody asks them to. */
    private static final List<String> GENERATED = List.of("io/jllm/cuda/ffi/");

    private static final Set<String> NATIVE_TYPES = Set.of("java/lang/foreign/Linker", "java/lang/foreign/Linker$Option",
            "java/lang/foreign/SymbolLookup");
    private static final Set<String> NATIVE_CALLS = Set.of("System.load", "System.loadLibrary", "Runtime.load",
            "Runtime.loadLibrary");
    private static final Set<String> LOUD = Set.of("System.out", "System.err", "System.exit", "System.setOut", "System.setErr",
            "Runtime.exit", "Runtime.halt", "Thread.dumpStack");

    private static final Set<String> GLOBAL = Set.of("System.setProperty", "System.setProperties", "System.clearProperty",
            "System.setIn", "Thread.setDefaultUncaughtExceptionHandler", "java/util/Locale.setDefault",
                    "java/util/TimeZone.setDefault");

    private ClassRules() {
    }

    /** Uses of the Vector API outside the kernels. */
    static Set<String> vectorApi(Iterable<Path> classFolders) {
        return violations(classFolders, VECTOR_PACKAGES, (model, found) -> {
            for (PoolEntry entry : model.constantPool()) {
                if (entry instanceof Utf8Entry text && text.stringValue().contains("jdk/incubator/vector/")) {
                    found.add(name(model) + " uses the Vector API");
                }
            }
        });
    }

    /** Native code bound where it may not be. */
    static Set<String> nativeCode(Iterable<Path> classFolders) {
        return violations(classFolders, NATIVE_PACKAGES, (model, found) -> {
            for (PoolEntry entry : model.constantPool()) {
                if (entry instanceof ClassEntry type && NATIVE_TYPES.contains(type.asInternalName())) {
                    found.add(name(model) + " uses " + type.asInternalName());
                }
                if (entry instanceof MemberRefEntry member && NATIVE_CALLS.contains(memberName(member))) {
                    found.add(name(model) + " uses " + memberName(member));
                }
            }
            for (MethodModel method : model.methods()) {
                if (method.flags().has(AccessFlag.NATIVE)) {
                    found.add(name(model) + " has the native method " + method.methodName().stringValue());
                }
            }
        });
    }

    /** Printing, and ending the JVM: a library does neither. */
    static Set<String> loud(Iterable<Path> classFolders) {
        return violations(classFolders, GENERATED, (model, found) -> {
            for (PoolEntry entry : model.constantPool()) {
                if (entry instanceof MemberRefEntry member && (LOUD.contains(memberName(member))
                        || member.name().stringValue().equals("printStackTrace")
                                || member.owner().asInternalName().equals("java/lang/IO"))) {
                    found.add(name(model) + " uses " + memberName(member));
                }
            }
        });
    }

    /** Global state of the JVM, set. */
    static Set<String> globalState(Iterable<Path> classFolders) {
        return violations(classFolders, List.of(), (model, found) -> {
            for (PoolEntry entry : model.constantPool()) {
                if (entry instanceof MemberRefEntry member && GLOBAL.contains(memberName(member))) {
                    found.add(name(model) + " uses " + memberName(member));
                }
            }
        });
    }

    @FunctionalInterface
    private interface Rule {
        void check(ClassModel model, Set<String> found);
    }

    private static Set<String> violations(Iterable<Path> classFolders, List<String> exempt, Rule rule) {
        var found = new TreeSet<String>();
        for (Path folder : classFolders) {
            for (Path file : Checkout.files(folder, ".class")) {
                ClassModel model = parse(file);
                if (exempt.stream().noneMatch(model.thisClass().asInternalName()::startsWith)) {
                    rule.check(model, found);
                }
            }
        }
        return found;
    }

    static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String name(ClassModel model) {
        return model.thisClass().asInternalName().replace('/', '.');
    }

    private static String memberName(MemberRefEntry member) {
        String owner = member.owner().asInternalName();
        return (owner.startsWith("java/lang/") ? owner.substring("java/lang/".length()) : owner) + "."
                + member.name().stringValue();
    }
}
