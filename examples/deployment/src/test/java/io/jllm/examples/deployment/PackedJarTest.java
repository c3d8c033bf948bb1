package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URLClassLoader;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Applications in one jar: shaded in several ways, and Spring Boot's jars in a jar. */
class PackedJarTest {
    private static final String SERVICES = "META-INF/services/io.jllm.spi.BackendProvider";
    private static final String CPU = "io.jllm.cpu.CpuBackendProvider\n";
    private static final String CUDA = "io.jllm.cuda.CudaBackendProvider\n";

    @ParameterizedTest
    @ValueSource(strings = {"merged main", "unmerged pool", "relocated none", "minimized platform", "nested main pool virtual platform none"})
    void runs(String jarAndThreads) throws Exception {
        String jar = jarAndThreads.replaceFirst(" .*", "");
        String[] threads = jarAndThreads.substring(jar.length() + 1).split(" ");
        Child child = Child.run(Map.of("JDK_JAVA_OPTIONS", String.join(" ", Child.VECTORS)), Child.words(List.of(Child.java()),
                List.of("-jar", Application.packed(jar + ".jar").toString(), Application.model().toString()), List.of(threads)));
        child.assertTold(Application.text(Teller.tell(Application.model().toString())), threads);
    }

    /** So that the test above tries what it says. */
    @Test
    void theJarsAreWhatTheirNamesSay() throws Exception {
        assertEquals(CPU + CUDA, services("merged").lines().sorted().map(l -> l + "\n").reduce("", String::concat));
        assertEquals(1, services("unmerged").lines().count());
        assertTrue(services("relocated").startsWith("io.jllm."));
        try (var relocated = new JarFile(Application.packed("relocated.jar").toFile());
                var nested = new JarFile(Application.packed("nested.jar").toFile())) {
            assertTrue(relocated.stream().anyMatch(e -> e.getName().equals("hidden/jllm/LLM.class")));
            assertFalse(relocated.stream().anyMatch(e -> e.getName().equals("io/jllm/LLM.class")));
            assertTrue(nested.stream().anyMatch(e -> e.getName().matches("BOOT-INF/lib/llm-core-.*\\.jar")));
            assertEquals("org.springframework.boot.loader.launch.JarLauncher", nested.getManifest().getMainAttributes().getValue("Main-Class"));
        }
    }

    private static String services(String jar) throws Exception {
        try (var file = new JarFile(Application.packed(jar + ".jar").toFile())) {
            return new String(file.getInputStream(file.getEntry(SERVICES)).readAllBytes());
        }
    }

    /** Whichever line of whichever file was left, and where none was. */
    @ParameterizedTest
    @ValueSource(strings = {CPU, CUDA, "", "no file", "io.other.Provider\n" + CUDA})
    void ourBackendsAreFoundWhateverTheServiceFileSays(String lines, @TempDir Path folder) throws Exception {
        Path jar = Files.copy(Application.packed("merged.jar"), folder.resolve("application.jar"));
        try (var files = FileSystems.newFileSystem(jar)) {
            Files.delete(files.getPath(SERVICES));
            if (!lines.equals("no file")) {
                Files.writeString(files.getPath(SERVICES), lines);
            }
        }
        try (URLClassLoader loader = Application.loader(List.of(jar))) {
            assertEquals(Application.text(Teller.tell(Application.model().toString())), Application.text(Application.tell(loader)));
        }
    }
}
