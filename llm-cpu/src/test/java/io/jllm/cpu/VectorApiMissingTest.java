package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** JVMs started with and without the flag. */
class VectorApiMissingTest {
    /** Runs a model twice and says with what. */
    static final class Child {
        public static void main(String[] args) {
            Program program = TinyModels.program(TinyModels.config(50));
            WeightSource weights = TinyModels.weights(program, 1);
            for (int i = 0; i < 2; i++) {
                try (Backend backend = new CpuBackend(new BackendOptions(1, "auto", 0), 0);
                        ModelRunner runner = backend.load(program, weights, new RunnerOptions(4, 1, 1, 8, 2, 0, DType.F32))) {
                    runner.forward(TinyModels.single(List.of(1, 2, 3), 0, 8, 1));
                    System.out.println(backend.describe());
                }
            }
            try {
                new CpuBackend(new BackendOptions(1, "vector", 0), 0).close();
                System.out.println("vector kernels run");
            } catch (IllegalArgumentException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    private static List<String> run(String... flags) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xshare:auto",
                "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> lines = process.inputReader().lines().toList();
        assertEquals(0, process.waitFor(), lines.toString());
        return lines;
    }

    private static long count(List<String> lines, String part) {
        return lines.stream().filter(l -> l.contains(part)).count();
    }

    @Test
    void withoutTheFlagItRunsAndWarnsOnce() throws IOException, InterruptedException {
        List<String> lines = run();
        assertEquals(1, count(lines, "WARNING: Computing with scalar kernels"), lines.toString());
        assertEquals(4, count(lines, "--add-modules jdk.incubator.vector"), lines.toString()); // it, two descriptions, the error
        assertEquals(2, count(lines, "scalar kernels, int8 activations; not faster because"), lines.toString());
        String machine = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream()).map(m -> m.name() + ", ")
                .collect(Collectors.joining());
        assertTrue(lines.getLast().endsWith("available here: auto, " + machine + "scalar"), lines.toString());
    }

    @Test
    void withTheFlagItIsSilent() throws IOException, InterruptedException {
        List<String> lines = run("--add-modules", "jdk.incubator.vector");
        assertEquals(2, count(lines, "vector kernels of "), lines.toString());
        assertEquals("vector kernels run", lines.getLast());
        assertEquals(4, lines.size(), lines.toString()); // the JVM's own line on incubator modules is the fourth
    }

    @Test
    void withoutTheOptimisingCompilerScalarKernelsAreFaster() throws IOException, InterruptedException {
        List<String> lines = run("--add-modules", "jdk.incubator.vector", "-XX:TieredStopAtLevel=1");
        assertEquals(2, count(lines, "scalar kernels, int8 activations; not faster because the JVM runs without its optimising compiler"), lines.toString());
    }
}
