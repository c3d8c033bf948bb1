package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.cpu.machine.MachineKernels;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.TinyModels;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** JVMs on machines that lack something: all of them compute, and say with what. */
class StartTest {
    private static final Path TASKSET = Path.of("/usr/bin/taskset");
    private static final String NO_CODE = "forbid-code";

    /** Runs a model and says with what; the argument forbids new executable memory first. */
    static final class Child {
        public static void main(String[] args) throws Throwable {
            if (args.length > 0 && !forbidCode()) {
                System.out.println("cannot be forbidden");
                return;
            }
            Program program = TinyModels.program(TinyModels.config(50));
            try (Backend backend = new CpuBackend(new BackendOptions(0, "auto", 0), 0);
                    ModelRunner runner = backend.load(program, TinyModels.weights(program, 1), new RunnerOptions(4, 1, 1, 8, 2, 0, DType.F32))) {
                runner.forward(TinyModels.single(List.of(1, 2, 3), 0, 8, 1));
                System.out.println(backend.describe());
            }
        }

        /** Memory that was writable gets no right to execute any more: {@code PR_SET_MDWE}, of Linux 6.3. */
        private static boolean forbidCode() throws Throwable {
            var linker = Linker.nativeLinker();
            var type = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
            var prctl = linker.downcallHandle(linker.defaultLookup().findOrThrow("prctl"), type, Linker.Option.firstVariadicArg(1));
            return (int) prctl.invokeExact(65, 1L, 0L, 0L, 0L) == 0;
        }
    }

    private static String run(List<String> before, List<String> flags, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(before);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules", "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED"));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> lines = process.inputReader().lines().toList();
        assertEquals(0, process.waitFor(), lines.toString());
        return lines.getLast();
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void whereExecutableMemoryIsRefusedVectorsCompute() throws IOException, InterruptedException {
        assumeTrue(MachineKernels.best().isPresent(), "this processor runs no machine code of ours");
        // The JVM's own compilers need no new pages if all are there from the start.
        String line = run(List.of(), List.of("-XX:-SegmentedCodeCache", "-XX:InitialCodeCacheSize=64m", "-XX:ReservedCodeCacheSize=64m"), NO_CODE);
        assumeTrue(!line.equals("cannot be forbidden"), "this kernel cannot forbid it");
        assertTrue(line.contains(", vector kernels of "), line);
        assertTrue(line.contains("not faster because the system refuses executable memory"), line);
    }

    @Test
    void aMachineOfOneCoreHasOneThread() throws IOException, InterruptedException {
        assertTrue(run(List.of(), List.of("-XX:ActiveProcessorCount=1")).contains(", 1 thread, "));
        assumeTrue(Files.isExecutable(TASKSET), "there is no " + TASKSET);
        String line = run(List.of(TASKSET.toString(), "-c", "0"), List.of());
        assertTrue(line.contains(", 1 thread, "), line);
    }

    @Test
    @EnabledOnOs(architectures = "amd64")
    void narrowVectorsAreSaid() throws IOException, InterruptedException {
        assumeTrue(FloatVector.SPECIES_PREFERRED.vectorBitSize() >= 256, "this machine has no vectors of 256 bits");
        String line = run(List.of(), List.of("-XX:UseAVX=2"));
        assertTrue(line.contains("vector kernels of 256 bits"), line);
    }
}
