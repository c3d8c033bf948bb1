package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.os.CpuInfo;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.PagedSequences;
import io.jllm.spi.TinyModels;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("counts the backend's threads of this JVM")
class CpuBackendTest {
    private static final Program PROGRAM = TinyModels.program(TinyModels.config(50));
    private static final WeightSource WEIGHTS = TinyModels.weights(PROGRAM, 1);

    /** What the machine that runs these tests gets by default. */
    private static final String BEST = MachineKernels.best().map(MachineKernels::name).orElse("vector");

    private static RunnerOptions options(int maxBlocks, long kvBytes, DType type) {
        return new RunnerOptions(32, 4, 8, 16, maxBlocks, kvBytes, type);
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().startsWith("jllm-cpu-")).count();
    }

    @Test
    void theServiceLoaderFindsIt() {
        BackendProvider cpu = ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get)
                .filter(p -> p.name().equals("cpu")).findFirst().orElseThrow();
        assertInstanceOf(BackendProvider.Probe.Available.class, cpu.probe());
        try (Backend backend = cpu.open(BackendOptions.DEFAULT)) {
            assertTrue(backend.describe().startsWith("cpu (") && backend.describe().contains("vector kernels of "), backend.describe());
            assertTrue(backend.describe().contains(" " + CpuInfo.physicalCores() + " thread"), backend.describe());
            assertEquals(BEST, backend.kernels());
        }
    }

    @Test
    void choicesOutOfRangeAreRefusedWithTheRange() {
        var provider = new CpuBackendProvider();
        String machine = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream()).map(k -> k.name() + ", ")
                .collect(Collectors.joining());
        for (int threads : new int[] {-1, 1025, Integer.MAX_VALUE}) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> provider.open(new BackendOptions(threads, "auto", 0))).getMessage();
            assertTrue(message.contains("1024") && message.contains("" + threads), message);
        }
        for (String kernels : new String[] {"abacus", "avx", "", "Vector"}) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> provider.open(new BackendOptions(1, kernels, 0))).getMessage();
            assertTrue(message.contains('"' + kernels + '"') && message.contains("auto, " + machine + "vector, scalar"), message);
        }
        assertThrows(IllegalArgumentException.class, () -> provider.open(new BackendOptions(1, "auto", 1)));
    }

    @Test
    void typesThatTheKvCacheCannotHaveAreRefused() {
        try (var backend = new CpuBackend(BackendOptions.DEFAULT, 0)) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> backend.load(PROGRAM, WEIGHTS, options(4, 0, DType.BF16))).getMessage();
            assertTrue(message.contains("F32, F16 or Q8_0") && message.contains("BF16"), message);
        }
    }

    @Test
    void closingARunnerEndsItsThreadsAndItsUse() {
        long before = threads();
        try (var backend = new CpuBackend(new BackendOptions(3, "auto", 0), 0)) {
            ModelRunner runner = backend.load(PROGRAM, WEIGHTS, options(4, 0, DType.F32));
            assertEquals(before + 2, threads());
            runner.close();
            runner.close();
            assertEquals(before, threads());
            assertThrows(IllegalStateException.class, runner::logits);
            assertThrows(IllegalStateException.class, () -> runner.forward(new PagedSequences(1, 16, 4, 32, 50, 1).next(3)));
        }
    }

    @Test
    void aFailedLoadLeavesNoThread() {
        long before = threads();
        try (var backend = new CpuBackend(new BackendOptions(3, "auto", 0), 0)) {
            assertThrows(IllegalArgumentException.class, () -> backend.load(PROGRAM, WEIGHTS, options(4, 1, DType.F32)));
        }
        assertEquals(before, threads());
    }

    @Test
    void stepsAboveTheLimitsAreRefused() {
        try (var backend = new CpuBackend(new BackendOptions(1, "auto", 0), 0);
                ModelRunner runner = backend.load(PROGRAM, WEIGHTS, options(4, 0, DType.F32))) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> runner.forward(new PagedSequences(1, 16, 4, 64, 50, 1).next(33))).getMessage();
            assertTrue(message.contains("33") && message.contains("32"), message);
            var beyond = new PagedSequences(1, 16, 9, 32, 50, 1).next(3);
            beyond.kvSlots[0] = 4 * 16;
            assertThrows(IndexOutOfBoundsException.class, () -> runner.forward(beyond));
        }
    }

    /** At every limit that cuts its batches short, too. */
    @Test
    void warmingUpLeavesNothingBehind() {
        for (RunnerOptions o : new RunnerOptions[] {new RunnerOptions(32, 4, 8, 16, 60, 0, DType.F32), options(4, 0, DType.F16),
            new RunnerOptions(3, 1, 1, 1, 3, 0, DType.F32)}) {
            float[] cold = logits(o, 0);
            assertArrayEquals(cold, logits(o, 300_000_000), o.toString());
        }
    }

    private static float[] logits(RunnerOptions o, long warmUpNanos) {
        try (var backend = new CpuBackend(new BackendOptions(2, "auto", 0), warmUpNanos);
                ModelRunner runner = backend.load(PROGRAM, WEIGHTS, o)) {
            runner.forward(TinyModels.single(List.of(7, 8, 9), 0, o.blockSize(), 1));
            return runner.logits().asSlice(0, 50 * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
