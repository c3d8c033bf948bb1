package io.jllm.cpu.tier;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.vector.VectorKernels;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class KernelChoiceTest {
    private static final int SET_MEMORY_DENY_WRITE_EXECUTE = 65;
    private static final int UNSUPPORTED = 77;

    /** What another JVM chooses by itself, and why nothing better. */
    public static void main(String[] args) throws Throwable {
        if (Arrays.asList(args).contains("refuse")) {
            var linker = Linker.nativeLinker();
            var prctl = linker.downcallHandle(linker.defaultLookup().findOrThrow("prctl"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
            if ((int) prctl.invokeExact(SET_MEMORY_DENY_WRITE_EXECUTE, 1L, 0L, 0L, 0L) != 0) {
                System.exit(UNSUPPORTED);
            }
        }
        KernelChoice choice = KernelChoice.of("auto");
        System.out.println(choice.name() + " " + choice.kernels().describe().replaceAll(".*\\b(\\w+) kernels.*?$", "$1") + " " + choice.reason());
    }

    private static String chosen(String argument, String... options) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), KernelChoiceTest.class.getName(), argument));
        Process p = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        Assumptions.assumeTrue(p.waitFor() != UNSUPPORTED, "skipped: this kernel cannot refuse executable memory to a process");
        assertEquals(0, p.exitValue(), said);
        return said;
    }

    private static void needsMachineCode() {
        Assumptions.assumeTrue(MachineKernels.best().isPresent(), () -> "skipped: " + MachineKernels.whyNot(Isa.AVX2));
    }

    @Test
    void machineCodeIsTheDefaultWithAndWithoutTheFlagForNativeAccess() throws IOException, InterruptedException {
        needsMachineCode();
        assertEquals("avx512 vector", chosen("", "--add-modules", "jdk.incubator.vector"));
        String scalar = chosen("", "--enable-native-access=ALL-UNNAMED");
        assertTrue(scalar.startsWith("avx512 scalar ") && scalar.contains("--add-modules jdk.incubator.vector"), scalar);
    }

    @Test
    void deniedNativeAccessLeavesTheVectorApi() throws IOException, InterruptedException {
        needsMachineCode();
        String said = chosen("", "--add-modules", "jdk.incubator.vector", "--illegal-native-access=deny");
        assertTrue(said.startsWith("vector vector ") && said.contains("--enable-native-access=ALL-UNNAMED"), said);
    }

    @Test
    void refusedExecutableMemoryLeavesTheVectorApi() throws IOException, InterruptedException {
        needsMachineCode();
        // The JVM's own compiler gets its memory before the system refuses more.
        String said = chosen("refuse", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
                "-XX:ReservedCodeCacheSize=48m", "-XX:InitialCodeCacheSize=48m");
        assertTrue(said.startsWith("vector ") && said.contains("refuses executable memory"), said);
    }

    @Test
    void eachByName() {
        assertEquals("scalar", KernelChoice.of("scalar").name());
        assertEquals("vector", KernelChoice.of("vector").name());
        assertTrue(KernelChoice.of("vector").kernels() instanceof VectorKernels);
        String message = assertThrows(IllegalArgumentException.class, () -> KernelChoice.of("abacus")).getMessage();
        assertTrue(message.contains("abacus") && message.contains("scalar"), message);
        for (Isa isa : Isa.values()) {
            String name = isa.name().toLowerCase(Locale.ROOT);
            if (MachineKernels.of(isa).isPresent()) {
                assertEquals(name, KernelChoice.of(name).name());
            } else {
                message = assertThrows(IllegalArgumentException.class, () -> KernelChoice.of(name)).getMessage();
                assertTrue(message.contains(MachineKernels.whyNot(isa)), message);
            }
        }
    }
}
