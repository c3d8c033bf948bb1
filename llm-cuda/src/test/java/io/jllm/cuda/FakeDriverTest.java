package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The driver layer's error paths without a device: on a driver compiled here, in JVMs that find it as theirs. */
class FakeDriverTest {
    private static final Path SOURCE = Path.of(System.getProperty("jllm.cuda.fakeSource", "src/test/c/fake_libcuda.c"));

    @TempDir
    static Path folder;

    @BeforeAll
    static void aCompilerIsThere() throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux"), "skipped: the fake driver is for Linux");
        Assumptions.assumeTrue(Files.exists(SOURCE), () -> "skipped: " + SOURCE + " is not here");
        Path whole = compile("whole");
        Assumptions.assumeTrue(whole != null, "skipped: no C compiler (cc) for the fake driver");
        compile("events", "-DWITHOUT_EVENTS");
    }

    private static Path compile(String name, String... options) throws Exception {
        Path library = Files.createDirectories(folder.resolve(name)).resolve("libcuda.so.1");
        var command = new ArrayList<>(List.of("cc", "-shared", "-fPIC", "-O1", "-w", "-Wl,-soname,libcuda.so.1", "-o", library.toString(),
                SOURCE.toString()));
        command.addAll(List.of(options));
        try {
            Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
            String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, p.waitFor(), out);
            return library;
        } catch (IOException _) {
            return null;
        }
    }

    private static String run(String library, String scenario, Map<String, String> environment) throws Exception {
        var b = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "--enable-native-access=ALL-UNNAMED", "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "-cp", System.getProperty("java.class.path"), "io.jllm.cuda.FakeScenarios", scenario).redirectErrorStream(true);
        b.environment().put("LD_LIBRARY_PATH", folder.resolve(library).toString());
        b.environment().putAll(environment);
        Process p = b.start();
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), out);
        return out;
    }

    @Test
    void aModelIsLoadedRunAndGivenBack() throws Exception {
        run("whole", "life", Map.of());
        run("whole", "life", Map.of("FAKE_GROWS", "0"));
    }

    @Test
    void outOfMemoryAtAnyAllocationLeavesNothingBehind() throws Exception {
        String out = run("whole", "allocations", Map.of());
        assertTrue(Integer.parseInt(out.strip().replaceAll("(?s).*failed at ", "")) > 20, out);
    }

    @Test
    void failuresWhileRunningAreNamedAndLeaveTheRunnerUsable() throws Exception {
        run("whole", "running", Map.of());
    }

    @Test
    void aModelThatDoesNotFitIsRefusedWithItsFigures() throws Exception {
        run("whole", "tooLarge", Map.of());
    }

    @Test
    void whatIsMissingIsSaid() throws Exception {
        probe("events", Map.of(), "cuEventDestroy_v2", "newer");
        probe("whole", Map.of("FAKE_VERSION", "12080"), "12.8", "13.0", "newer");
        probe("whole", Map.of("FAKE_INIT", "100"), "no device", "CUDA_VISIBLE_DEVICES");
        probe("whole", Map.of("FAKE_DEVICES", "0"), "no device");
        probe("whole", Map.of("FAKE_INIT", "803"), "versions");
        probe("whole", Map.of("FAKE_INIT", "999"), "CUDA_ERROR_OF_TEST (999)");
        probe("whole", Map.of("FAKE_CAPABILITY", "75"), "compute capability 7.5", "9.0", "8.0");
        probe("whole", Map.of(), "available FAKE");
    }

    private static void probe(String library, Map<String, String> environment, String... parts) throws Exception {
        String out = run(library, "probe", environment);
        for (String part : parts) {
            assertTrue(out.contains(part), out);
        }
    }
}
