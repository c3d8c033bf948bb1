package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Properties;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** The jar of the CUDA backend holds the kernels that the build server is to compile. */
class KernelsTest {
    private static final String FOLDER = "io/jllm/cuda/kernels/";

    @Test
    void theJarHoldsEveryKernelForEveryArchitecture() throws Exception {
        var jar = Application.jars().stream().filter(f -> f.getFileName().toString().startsWith("llm-cuda-")).findFirst().orElseThrow();
        try (var file = new JarFile(jar.toFile())) {
            var index = new Properties();
            index.load(file.getInputStream(file.getEntry(FOLDER + "index.properties")));
            String missing = index.getProperty("missing", "");
            assumeTrue(missing.isEmpty() || System.getProperty("jllm.kernels", "").equals("required"), "skipped: " + missing);
            assertEquals("", missing, "-Djllm.kernels=required was given");
            String[] names = index.getProperty("files").split(",");
            assertTrue(names.length > 5, index.toString());
            assertFalse(index.getProperty("cubins").isBlank(), index.toString());
            for (String name : names) {
                for (String cubin : index.getProperty("cubins").split(",")) {
                    assertFilled(file, name + ".sm_" + cubin + ".cubin");
                }
                assertFilled(file, name + ".ptx");
            }
        }
    }

    private static void assertFilled(JarFile file, String name) {
        var entry = file.getEntry(FOLDER + name);
        assertNotNull(entry, name);
        assertTrue(entry.getSize() > 1000, name + " has " + entry.getSize() + " bytes");
    }
}
