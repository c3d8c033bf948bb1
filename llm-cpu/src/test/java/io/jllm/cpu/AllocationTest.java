package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.ActivationType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.lang.management.ManagementFactory;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Steps of a size that was seen before make no garbage, on no thread. Of scalar and machine code that holds in the interpreter too
 * ({@code -Dtest.jvm.flags=-Xint} with the other flags shows it), so it is none of the compiler's doing; vectors are no objects only once
 * their code is compiled.
 */
@Isolated("counts what the engines' threads of this JVM allocate")
class AllocationTest {
    private static final int STEPS = 50;
    /** Until one is clean: classes are loaded in the first. Far more than the compiler takes, which has pauses to itself between them. */
    private static final int WINDOWS = 10_000;
    private static final int PAUSE_MILLIS = 2;
    /** Bytes that it takes to ask, which are the caller's own: fewer than any object a step would make. */
    private static final long ASKING = 16 * STEPS - 1;

    private record Greedy() implements RowSampling {
        private static final int[] TOKENS = {1};

        @Override
        public SamplerSettings settings() {
            return SamplerSettings.GREEDY;
        }

        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int[] tokens() {
            return TOKENS;
        }

        @Override
        public int promptLength() {
            return 1;
        }

        @Override
        public int length() {
            return 1;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "auto"})
    void stepsMakeNoGarbage(String kernels) throws InterruptedException {
        everyProgram(new BackendOptions(2, kernels, 0));
    }

    @Test
    void norDoTheyWithActivationsThatAreFloats() throws InterruptedException {
        everyProgram(new BackendOptions(2, "auto", 0).withActivations(ActivationType.FLOAT));
    }

    private static void everyProgram(BackendOptions options) throws InterruptedException {
        stepsMakeNoGarbage(options, TinyModels.program(TinyModels.config(300)));
        stepsMakeNoGarbage(options, TinyModels.mixture(300, 64, 96, 2));
        stepsMakeNoGarbage(options, TinyModels.latent(300, 64, 2));
    }

    private static void stepsMakeNoGarbage(BackendOptions options, Program program) throws InterruptedException {
        try (var backend = new CpuBackend(options, 0);
                ModelRunner runner = backend.load(program, TinyModels.weights(program, DType.Q8_0, 1),
                        new RunnerOptions(16, 1, 1, 16, 40, 0, DType.F32))) {
            StepBatch prompt = TinyModels.single(Collections.nCopies(11, 3), 0, 16, 1);
            StepBatch far = TinyModels.single(List.of(5), 300, 16, 1);
            long[] threads = Thread.getAllStackTraces().keySet().stream()
                    .filter(t -> t == Thread.currentThread() || t.getName().startsWith("jllm-cpu-")).mapToLong(Thread::threadId).toArray();
            var bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            RowSampling[] rows = {new Greedy()};
            var tokens = new int[1];
            var logprobs = new float[1];
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS && least > ASKING; window++) {
                long before = allocated(bean, threads);
                for (int i = 0; i < STEPS; i++) {
                    runner.forward(prompt);
                    runner.forward(far);
                    runner.sample(rows, 1, tokens, logprobs);
                }
                least = Math.min(least, allocated(bean, threads) - before);
                Thread.sleep(PAUSE_MILLIS);
            }
            assertTrue(least <= ASKING, least + " bytes in " + STEPS + " steps");
        }
    }

    private static long allocated(ThreadMXBean bean, long[] threads) {
        return LongStream.of(bean.getThreadAllocatedBytes(threads)).sum();
    }
}
