package io.jllm.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A rule that cannot fail is none: each is shown a sample that breaks it, beside one that does not. */
class RulesCanFailTest {
    @TempDir
    private Path folder;
    private final List<Path> sources = new ArrayList<>();

    @Test
    void vectorApi() throws Exception {
        String body = "{ int f() { return jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.length(); } }";
        source("io/jllm/model/Bad.java", "package io.jllm.model; class Bad " + body);
        source("io/jllm/cpu/vector/Good.java", "package io.jllm.cpu.vector; class Good " + body);
        assertEquals(Set.of("io.jllm.model.Bad uses the Vector API"), ClassRules.vectorApi(List.of(compile())));
    }

    @Test
    void nativeCode() throws Exception {
        source("io/jllm/spi/A.java",
                "package io.jllm.spi; class A { Object f() { return java.lang.foreign.Linker.nativeLinker(); } }");
        source("io/jllm/spi/B.java", "package io.jllm.spi; class B { void f() { System.loadLibrary(\"x\"); } native void g(); }");
        source("io/jllm/cuda/driver/Good.java",
                "package io.jllm.cuda.driver; class Good { Object f() { return java.lang.foreign.Linker.nativeLinker(); } }");
        source("io/jllm/spi/Arenas.java",
                "package io.jllm.spi; class Arenas { Object f() { return java.lang.foreign.Arena.ofAuto(); } }");
        assertEquals(Set.of("io.jllm.spi.A uses java/lang/foreign/Linker", "io.jllm.spi.B uses System.loadLibrary",
                "io.jllm.spi.B has the native method g"), ClassRules.nativeCode(List.of(compile())));
    }

    @Test
    void loud() throws Exception {
        source("a/A.java", "package a; class A { void f() { System.out.println(); } }");
        source("a/B.java", "package a; class B { void f() { System.exit(1); } }");
        source("a/C.java", "package a; class C { void f(Exception e) { e.printStackTrace(); } }");
        source("a/D.java", "package a; class D { void f() { IO.println(1); } }");
        source("a/Good.java",
                "package a; class Good { void f() { System.getLogger(\"a\").log(System.Logger.Level.INFO, \"b\"); } }");
        assertEquals(Set.of("a.A uses System.out", "a.B uses System.exit", "a.C uses Exception.printStackTrace",
                "a.D uses IO.println"),
                ClassRules.loud(List.of(compile())));
    }

    @Test
    void globalState() throws Exception {
        source("a/A.java", "package a; class A { void f() { System.setProperty(\"a\", \"b\"); } }");
        source("a/B.java", "package a; class B { void f() { java.util.Locale.setDefault(java.util.Locale.ROOT); } }");
        source("a/Good.java", "package a; class Good { String f() { return System.getProperty(\"b\"); } }");
        assertEquals(Set.of("a.A uses System.setProperty", "a.B uses java/util/Locale.setDefault"),
                ClassRules.globalState(List.of(compile())));
    }

    @Test
    void leaks() throws Exception {
        source("module-info.java", "module m { exports open; }");
        source("hidden/Hidden.java",
                "package hidden; public class Hidden extends Exception { private static final long serialVersionUID = 1; }");
        source("open/Package.java", "package open; class Package { }");
        source("open/Fine.java", "package open; public class Fine { hidden.Hidden a; Package b() { return null; } "
                + "private static class In { public hidden.Hidden c; } public static class Nested { public Nested d; } }");
        source("open/A.java", "package open; public class A { protected hidden.Hidden a; }");
        source("open/B.java",
                "package open; public class B { public java.util.List<? extends hidden.Hidden> b() { return null; } }");
        source("open/C.java", "package open; public class C { public void c() throws hidden.Hidden { } }");
        source("open/D.java", "package open; public class D extends Package { }");
        source("open/E.java", "package open; public record E(Package e) { }");
        source("open/F.java", "package open; public class F { static class In { } public In[] f; }");
        Set<String> leaks = ExportRule.leaks(List.of(compile()));
        assertEquals(List.of("open.A", "open.B", "open.C", "open.D", "open.E", "open.F"),
                leaks.stream().map(l -> l.split(" ")[0]).distinct().toList(), leaks.toString());
    }

    @Test
    void services() throws Exception {
        source("module-info.java", "module m { exports a; uses a.S; provides a.S with a.P; }");
        source("a/S.java", "package a; public interface S { }");
        source("a/P.java", "package a; public class P implements S { }");
        Path classes = compile();
        assertEquals(Set.of("a.S by a.P is in module-info only"), ServiceRule.disagreements(List.of(classes)));
        source("classes/META-INF/services/a.S", "a.P # the one\na.Q\n");
        assertEquals(Set.of("a.S by a.Q is in META-INF/services only"), ServiceRule.disagreements(List.of(classes)));
    }

    @Test
    void longFiles() throws Exception {
        source("m/src/main/java/a/Long.java", "\n".repeat(301));
        source("m/src/main/java/a/Short.java", "\n".repeat(300));
        source("m/src/main/java/io/jllm/cpu/machine/Code.java", "\n".repeat(400));
        source("m/src/main/java/io/jllm/cpu/machine/LongCode.java", "\n".repeat(401));
        source("m/src/main/java/io/jllm/cuda/ffi/Generated.java", "\n".repeat(999));
        source("m/src/test/java/a/LongTest.java", "\n".repeat(999));
        assertEquals(Set.of("m/src/main/java/a/Long.java has 301 lines, of 300",
                "m/src/main/java/io/jllm/cpu/machine/LongCode.java has 401 lines, of 400"), SourceRules.longFiles(folder));
    }

    @Test
    void crowdedPackages() throws Exception {
        for (int i = 0; i < 29; i++) {
            source("m/src/test/java/crowd/A" + i + ".java", "");
            source("m/src/main/java/room/" + (i < 14 ? "a" : "b") + "/A" + i + ".java", "");
        }
        assertEquals(Set.of("m/src/test/java/crowd has 29 files, of 28"), SourceRules.crowdedPackages(folder));
    }

    @Test
    void wideLines() throws Exception {
        String wide = "x".repeat(151);
        source("A.java", "x".repeat(150) + "\n" + wide + "\nf(\"" + wide + "\", '\\\"', \"\\\"" + wide + "\");\n");
        source("B.java", "s = \"\"\"\n" + wide + "\n\"\"\";\n" + wide + "\n");
        source("a.cu", "#define A " + wide + " \\\n" + wide + " \\\nx\n" + wide + "\n");
        source("m/src/main/jextract/io/jllm/cuda/ffi/Generated.java", wide);
        assertEquals(Set.of("A.java:2 has 151 columns, of 150", "B.java:4 has 151 columns, of 150", "a.cu:4 has 151 columns, of 150"),
                SourceRules.wideLines(folder));
    }

    @Test
    void circles() throws Exception {
        source("a/A.java", "package a; public class A { b.B b; }");
        source("b/B.java", "package b; public class B { java.util.List<c.C> c() { return null; } }");
        source("c/C.java", "package c; public class C { static class In { Object o = new a.A(); } }");
        source("d/D.java", "package d; public class D { a.A a; b.B b; }");
        source("io/jllm/LLM.java", "package io.jllm; public interface LLM { Object A = new io.jllm.engine.E(); }");
        source("io/jllm/Value.java", "package io.jllm; public class Value { }");
        source("io/jllm/engine/E.java", "package io.jllm.engine; public class E implements io.jllm.LLM { io.jllm.Value v; }");
        assertEquals(Set.of("a -> b is part of a circle: a.A uses b.B", "b -> c is part of a circle: b.B uses c.C",
                "c -> a is part of a circle: c.C uses a.A"), PackageRule.circles(List.of(compile())));
    }

    @Test
    void valuesMayNotUseTheEngine() throws Exception {
        source("io/jllm/Value.java", "package io.jllm; public class Value { io.jllm.engine.E e; }");
        source("io/jllm/engine/E.java", "package io.jllm.engine; public class E { io.jllm.Value v; }");
        assertEquals(2, PackageRule.circles(List.of(compile())).size());
    }

    @Test
    void packageMaps() throws Exception {
        source("src/none/A.java", "");
        source("src/thin/A.java", "");
        source("src/thin/package-info.java", "/** Thin. */\npackage thin;\n");
        source("src/wrong/A.java", "");
        source("src/wrong/package-info.java", "/**\n * Rooms.\n * <ul>\n * <li>{@link A}, {@link Gone#f()}\n * </ul>\n */\npackage wrong;\n");
        source("src/good/A.java", "");
        source("src/good/B.java", "");
        source("src/good/package-info.java",
                "/**\n * Rooms.\n * <ul>\n * <li>{@link A}, {@link wrong.A}\n * <li>{@link good.B}\n * </ul>\n */\npackage good;\n");
        assertEquals(Set.of("src/none has no package-info.java",
                "src/thin: its package-info.java does not list its files in reading order, in 5 lines or more",
                "src/wrong: its package-info.java names Gone, which is not there"), MapRules.packages(folder, List.of(folder.resolve("src"))));
    }

    @Test
    void readmes() throws Exception {
        source("a/README.md", "`io.jllm.x`, `x/Thing.java`, `Thing`, `int`, `Q4_0`, [there](src), [web](https://example.org), [here](#top)\n"
                + "```\n`Unknown`\n```\n");
        source("a/src/main/java/io/jllm/x/Thing.java", "");
        source("b/README.md", "`io.jllm.y`, `y/Thing.java`, `Gone`, [there](nowhere)");
        source("c/x", "");
        assertEquals(Set.of("b/README.md links to nowhere, which does not exist", "b/README.md names Gone, which does not exist",
                "b/README.md names io.jllm.y, which does not exist", "b/README.md names y/Thing.java, which does not exist",
                "c/README.md is missing"),
                MapRules.readmes(folder, List.of(folder.resolve("a"), folder.resolve("b"), folder.resolve("c"))));
    }

    @Test
    void librariesOutOfTheList() {
        String bom = "<modelVersion>4.0.0</modelVersion><groupId>io.jllm</groupId><artifactId>llm-bom</artifactId><version>1</version><dependencyManagement>"
                + "<groupId>io.jllm</groupId><artifactId>llm-a</artifactId><groupId>io.jllm</groupId><artifactId>llm-gone</artifactId>";
        assertEquals(Set.of("llm-b is not in the list of versions", "llm-gone is in the list of versions, and no library",
                "the list of versions is of 1, not of 2"), LibraryRules.unlisted(bom, Set.of("llm-a", "llm-b"), "2"));
        String whole = "<name>a</name><description>b</description><maven.deploy.skip>false</maven.deploy.skip>";
        assertEquals(Set.of("llm-b has no <description> in its pom.xml", "llm-b has no <maven.deploy.skip>false</ in its pom.xml"),
                LibraryRules.unreleased(Map.of("llm-a", whole, "llm-b", "<name>b</name>")));
    }

    @Test
    void coordinatesThatNobodyHas() {
        String text = "<groupId>io.jllm</groupId>\n<artifactId>llm-a</artifactId>\n<version>1</version> io.jllm:llm-a:2 io.jllm:llm-gone:2 `io.jllm:llm-a`";
        assertEquals(Set.of("io.jllm:llm-a is of version 2, not 1", "io.jllm:llm-gone does not exist"), LibraryRules.unknown(text, Set.of("llm-a"), "2"));
    }

    @Test
    void strangers() throws Exception {
        source(".gitignore", "target/\n*.iml\n");
        source("README.md", "");
        source("target/x", "");
        source("a.iml", "");
        source("notes.txt", "");
        source("scripts/x.sh", "");
        assertEquals(Set.of("notes.txt", "scripts"), SourceRules.strangers(folder));
    }

    @Test
    void machinePaths() throws Exception {
        source("a/A.java", "// see " + "/" + "work/x\n\n// and " + "/" + "home/me/x\n");
        source("a/B.md", "[x](https://example.org/home/page), a/tmp/b, ../work/x, ${dir}/tmp/x, /usr/lib/jvm");
        source("a/target/C.md", "/" + "work/x");
        assertEquals(Set.of("a/A.java:1", "a/A.java:3"), SourceRules.machinePaths(folder));
    }

    private void source(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        sources.add(Files.writeString(file, text));
    }

    private Path compile() {
        Path classes = folder.resolve("classes");
        var args = new ArrayList<>(List.of("-d", classes.toString(), "-nowarn"));
        if (sources.stream().noneMatch(s -> s.endsWith("module-info.java"))) {
            args.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        }
        sources.forEach(s -> args.add(s.toString()));
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, System.err, System.err, args.toArray(String[]::new)));
        assertTrue(Files.isDirectory(classes));
        return classes;
    }
}
