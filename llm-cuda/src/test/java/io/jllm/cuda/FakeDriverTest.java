package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cuda.kernels.KernelImages;
import java.io.File;
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

    /** Of made-up kernels nobody knows the parameters. */
    private static final String LIFE = KernelImages.packaged().missing().isEmpty() ? "whole" : "older";

    @TempDir
    static Path folder;

    @BeforeAll
    static void aCompilerIsThere() throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux"), "skipped: the fake driver is for Linux");
        Assumptions.assumeTrue(Files.exists(SOURCE), () -> "skipped: " + SOURCE + " is not here");
        Path whole = compile("whole");
        Assumptions.assumeTrue(whole != null, "skipped: no C compiler (cc) for the fake driver");
        compile("events", "-DWITHOUT_EVENTS");
        compile("older", "-DWITHOUT_PARAMETERS");
        FakeImages.write(folder);
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
        return run(library, List.of(scenario), environment);
    }

    private static String run(String library, List<String> scenario, Map<String, String> environment) throws Exception {
        var command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "--enable-native-access=ALL-UNNAMED", "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "-cp", folder + File.pathSeparator + System.getProperty("java.class.path"), "io.jllm.cuda.FakeScenarios"));
        command.addAll(scenario);
        var b = new ProcessBuilder(command).redirectErrorStream(true);
        b.environment().put("LD_LIBRARY_PATH", folder.resolve(library).toString());
        b.environment().putAll(environment);
        Process p = b.start();
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), out);
        return out;
    }

    @Test
    void aModelIsLoadedRunAndGivenBack() throws Exception {
        run(LIFE, "life", Map.of());
        run(LIFE, "life", Map.of("FAKE_GROWS", "0"));
    }

    @Test
    void outOfMemoryAtAnyAllocationLeavesNothingBehind() throws Exception {
        String out = run(LIFE, "allocations", Map.of());
        assertTrue(Integer.parseInt(out.strip().replaceAll("(?s).*failed at ", "")) > 20, out);
    }

    @Test
    void failuresWhileRunningAreNamedAndLeaveTheRunnerUsable() throws Exception {
        run(LIFE, "running", Map.of());
    }

    @Test
    void aModelThatDoesNotFitIsRefusedWithItsFigures() throws Exception {
        run(LIFE, "tooLarge", Map.of());
    }

    @Test
    void adaptersComeAndGo() throws Exception {
        run(LIFE, "adapters", Map.of());
    }

    @Test
    void packedWeightsAreLoadedAndRun() throws Exception {
        run(LIFE, "packed", Map.of());
    }

    @Test
    void everyLaunchFitsTheKernelsOfTheBuild() throws Exception {
        theBuildHasKernels();
        run("whole", "formats", Map.of());
        run("whole", "adapters", Map.of());
    }

    @Test
    void whatKernelsHaveNoRoomForIsNamed() throws Exception {
        run(LIFE, "limits", Map.of());
    }

    @Test
    void aKernelWithOtherParametersIsRefusedByName() throws Exception {
        wrong("whole", "wrong", "kernel embed_q8_0", "parameter 3 is ids, a pointer of 8 bytes at 16", "4 bytes at 16 in the image", "build it anew");
        wrong("whole", FakeImages.FEWER, "kernel rms_norm", "the launcher has 10 arguments (x, ldx, ", "the image 9 parameters");
    }

    /** Drivers before CUDA 12.4 cannot say what parameters a kernel has. */
    @Test
    void whereTheDriverCannotSayNothingIsCompared() throws Exception {
        run("older", "life", Map.of());
        wrong("older", "wrong", "loaded");
    }

    @Test
    void aStructWithOtherMembersIsRefusedByName() throws Exception {
        wrong("whole", FakeImages.SWAPPED, "struct result", "the image has the member status of 4 bytes at 4", "Java has the member logprob");
        wrong("whole", FakeImages.MOVED, "struct task", "the image has the member from of 8 bytes at 16", "Java has the member from of 8 bytes at 8");
    }

    @Test
    void aFormatWithAnotherNumberIsRefusedByName() throws Exception {
        wrong("whole", FakeImages.NUMBERED, "number 3 for the format q8_0", "Java has 4");
    }

    private static void theBuildHasKernels() {
        KernelImages.packaged().missing().ifPresent(why -> Assumptions.abort("skipped: " + why));
    }

    private static void wrong(String library, String file, String... parts) throws Exception {
        theBuildHasKernels();
        String out = run(library, List.of("wrong", file), Map.of());
        for (String part : parts) {
            assertTrue(out.contains(part), out);
        }
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
