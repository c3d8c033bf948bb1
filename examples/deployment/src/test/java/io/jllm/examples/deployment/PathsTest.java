package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On the class path, on the module path, and in module layers of an application's own. */
class PathsTest {
    private static final List<String> NATIVE = List.of("--enable-native-access=io.jllm.cpu,io.jllm.cuda");

    private final String text = Application.text(Teller.tell(Application.model().toString()));

    @Test
    void classPath() throws Exception {
        Child.run(Child.words(List.of(Child.java()), Child.FLAGS, List.of("-cp", Application.path(), Application.MAIN, Application.model().toString(),
                "main", "pool")))
                .assertTold(text, "main", "pool");
    }

    @Test
    void modulePath() throws Exception {
        Child.run(Child.words(List.of(Child.java()), Child.VECTORS, NATIVE,
                List.of("-p", Application.path(), "-m", Application.MODULE + "/" + Application.MAIN, Application.model().toString(), "main", "pool",
                "none")))
                .assertTold(text, "main", "pool", "none");
    }

    /** As frameworks for plug-ins have it: with a class loader for all modules, or one for each. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void moduleLayers(boolean manyLoaders) throws Exception {
        ModuleLayer boot = ModuleLayer.boot();
        var configuration = boot.configuration().resolveAndBind(ModuleFinder.of(), ModuleFinder.of(Application.jars().toArray(Path[]::new)),
                Set.of(Application.MODULE));
        ClassLoader parent = ClassLoader.getPlatformClassLoader();
        var made = manyLoaders ? ModuleLayer.defineModulesWithManyLoaders(configuration, List.of(boot), parent)
                : ModuleLayer.defineModulesWithOneLoader(configuration, List.of(boot), parent);
        made.layer().findModule("io.jllm.cpu").ifPresent(made::enableNativeAccess);
        made.layer().findModule("io.jllm.cuda").ifPresent(made::enableNativeAccess);
        ClassLoader loader = made.layer().findLoader(Application.MODULE);
        Class<?> main = loader.loadClass(Application.MAIN);
        assertTrue(main.getModule().isNamed());
        made.addExports(main.getModule(), main.getPackageName(), getClass().getModule());
        assertEquals(text, Application.text(Application.tell(loader)));
    }

    /** A flag the fewer is a warning the more, and no failure. */
    @Test
    void withoutFlags() throws Exception {
        Child child = Child.run(List.of(Child.java(), "-cp", Application.path(), Application.MAIN, Application.model().toString(), "main"));
        child.assertToldOnMain(text);
        for (String flag : List.of("--enable-native-access=ALL-UNNAMED", "--add-modules jdk.incubator.vector")) {
            assertEquals(1, child.err().stream().filter(l -> l.startsWith("WARNING: ") && l.contains(flag)).count(), child.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whereNativeAccessIsDeniedVectorsOrScalarsCompute(boolean vectors) throws Exception {
        Child child = Child.run(Child.words(List.of(Child.java()), vectors ? Child.VECTORS : List.of(),
                List.of("--illegal-native-access=deny", "-cp", Application.path(), Application.MAIN, Application.model().toString(), "main",
                "pool")));
        assertEquals(0, child.exit(), child.toString());
        assertEquals(List.of("main: " + text, "pool: " + text), child.out().stream().map(Application::text).toList(), child.toString());
        assertTrue(!child.out().getFirst().contains("avx") && child.out().getFirst().contains(vectors ? " vector kernels of" : " scalar kernels"),
                child.toString());
    }
}
