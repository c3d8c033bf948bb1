package io.jllm.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.house.Checkout.Module;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The rules, and which modules each is for:
 * <ul>
 * <li>every module: who may use the Vector API and bind native code; packages without circles; the length of files, the width of lines, the size
 * of packages; a package-info a package
 * <li>libraries, which are those whose artifacts begin with {@code llm-}: they print nothing, end no JVM, set nothing that is global. Programs may
 * <li>libraries, too: they are in the list of versions that belong together, and in releases; what READMEs say of how to depend on them is so
 * <li>named modules, those with a {@code module-info.java}: no exported type leaks a hidden one, services are declared twice
 * <li>the top, and each folder that its build file names: a README
 * <li>the checkout as a whole: what lies at its top, and no path of somebody's machine
 * </ul>
 */
class HouseRulesTest {
    private final Checkout checkout = Checkout.current();

    private List<Path> classes(Predicate<Module> which) {
        return checkout.modules().stream().filter(which).map(Module::classes).toList();
    }

    private List<Path> classes() {
        return classes(_ -> true);
    }

    private List<Path> libraries() {
        return classes(Module::isLibrary);
    }

    @Test
    void thereAreModulesToCheck() {
        assertEquals(Set.of(), missing("llm-core", "llm-cpu", "llm-cuda", "llm-quant", "llm-sampling", "cli", "demo-model", "programs", "server", "jmh"));
        assertTrue(libraries().stream().mapToInt(f -> Checkout.files(f, ".class").size()).sum() > 100);
    }

    private Set<String> missing(String... names) {
        var missing = new TreeSet<>(List.of(names));
        checkout.modules().forEach(m -> missing.remove(m.folder().getFileName().toString()));
        return missing;
    }

    @Test
    void onlyTheCpuKernelsUseTheVectorApi() {
        assertEquals(Set.of(), ClassRules.vectorApi(classes()));
    }

    @Test
    void nativeCodeIsBoundInItsPackagesOnly() {
        assertEquals(Set.of(), ClassRules.nativeCode(classes()));
    }

    @Test
    void librariesNeitherPrintNorExit() {
        assertEquals(Set.of(), ClassRules.loud(libraries()));
    }

    @Test
    void librariesSetNoGlobalState() {
        assertEquals(Set.of(), ClassRules.globalState(libraries()));
    }

    @Test
    void noExportedTypeLeaksAHiddenOne() {
        assertEquals(Set.of(), ExportRule.leaks(classes(Module::isNamed)));
    }

    /** Providers are found by the file on the class path and by the declaration on the module path; they must agree. */
    @Test
    void servicesAreDeclaredTwice() {
        assertEquals(Set.of(), ServiceRule.disagreements(classes(Module::isNamed)));
    }

    private Map<String, String> librariesByArtifact() {
        return checkout.modules().stream().filter(Module::isLibrary).collect(Collectors.toMap(Module::artifact, Module::pom));
    }

    private String version() throws IOException {
        return LibraryRules.version(Files.readString(checkout.root().resolve("pom.xml")));
    }

    @Test
    void librariesAreReleased() throws IOException {
        Map<String, String> libraries = librariesByArtifact();
        assertEquals(Set.of(), LibraryRules.unlisted(Files.readString(checkout.root().resolve("examples/bom/pom.xml")), libraries.keySet(), version()));
        assertEquals(Set.of(), LibraryRules.unreleased(libraries));
    }

    @Test
    void coordinatesInReadmesExist() throws IOException {
        var artifacts = new TreeSet<>(librariesByArtifact().keySet());
        artifacts.add("llm-bom");
        var found = new TreeSet<String>();
        for (Path readme : Checkout.files(checkout.root(), "README.md")) {
            LibraryRules.unknown(Files.readString(readme), artifacts, version()).forEach(c -> found.add(checkout.root().relativize(readme) + ": " + c));
        }
        assertEquals(Set.of(), found);
    }

    @Test
    void packagesUseEachOtherInOneDirection() {
        assertEquals(Set.of(), PackageRule.circles(classes()));
    }

    @Test
    void packagesHaveMaps() {
        assertEquals(Set.of(), MapRules.packages(checkout.root(), checkout.modules().stream().map(Module::sources).toList()));
    }

    @Test
    void modulesHaveMaps() {
        assertEquals(Set.of(), MapRules.readmes(checkout.root(), checkout.rooms()));
    }

    @Test
    void packagesAreSmall() {
        assertEquals(Set.of(), SourceRules.crowdedPackages(checkout.root()));
    }

    @Test
    void filesAreShort() {
        assertEquals(Set.of(), SourceRules.longFiles(checkout.root()));
    }

    @Test
    void linesAreNarrow() {
        assertEquals(Set.of(), SourceRules.wideLines(checkout.root()));
    }

    @Test
    void theTopLevelIsFixed() {
        assertEquals(Set.of(), SourceRules.strangers(checkout.root()));
    }

    @Test
    void noPathOfAMachine() {
        assertEquals(Set.of(), SourceRules.machinePaths(checkout.root()));
    }
}
