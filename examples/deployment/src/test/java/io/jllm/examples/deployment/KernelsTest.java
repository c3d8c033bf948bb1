package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.List;
import java.util.Properties;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** The jar of the CUDA backend holds the kernels that the build server is to compile. */
class KernelsTest {
    private static final String FOLDER = "io/jllm/cuda/kernels/";

    @Test
    void theJarHoldsEveryKernelForEveryArchitecture() throws Exception {
        assumeTrue(missing().isEmpty() || System.getProperty("jllm.kernels", "").equals("required"), "skipped: " + missing());
        assertEquals("", missing(), "-Djllm.kernels=required was given");
        try (JarFile file = jar()) {
            Properties index = properties(file, "index");
            Properties held = properties(file, "names");
            String[] names = index.getProperty("files").split(",");
            assertTrue(names.length > 5, index.toString());
            assertFalse(index.getProperty("cubins").isBlank(), index.toString());
            for (String name : names) {
                List<String> only = List.of(index.getProperty("only." + name, index.getProperty("cubins") + ",ptx").split(","));
                for (String cubin : index.getProperty("cubins").split(",")) {
                    if (only.contains(cubin)) {
                        assertFilled(file, name + ".sm_" + cubin + ".cubin");
                    }
                }
                if (only.contains("ptx")) {
                    assertFilled(file, name + ".ptx");
                }
                assertFalse(held.getProperty(name, "").isBlank(), "names of the kernels in " + name);
            }
        }
    }

    /** Why there are none; empty if there are. */
    static String missing() throws IOException {
        try (JarFile file = jar()) {
            return properties(file, "index").getProperty("missing", "");
        }
    }

    private static JarFile jar() throws IOException {
        return new JarFile(Application.jars().stream().filter(f -> f.getFileName().toString().startsWith("llm-cuda-")).findFirst().orElseThrow()
                .toFile());
    }

    private static Properties properties(JarFile file, String name) throws IOException {
        var properties = new Properties();
        properties.load(file.getInputStream(file.getEntry(FOLDER + name + ".properties")));
        return properties;
    }

    private static void assertFilled(JarFile file, String name) {
        var entry = file.getEntry(FOLDER + name);
        assertNotNull(entry, name);
        assertTrue(entry.getSize() > 1000, name + " has " + entry.getSize() + " bytes");
    }
}
