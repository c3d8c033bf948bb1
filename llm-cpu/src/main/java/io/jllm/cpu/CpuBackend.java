package io.jllm.cpu;

import io.jllm.ModelLoadException;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.op.DeviceWeights;
import io.jllm.cpu.os.CpuInfo;
import io.jllm.cpu.os.NativeHeap;
import io.jllm.cpu.os.SystemMemory;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.WeightShape;
import io.jllm.quant.WeightSource;
import io.jllm.spi.ActivationListener;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.OutOfMemory;
import io.jllm.spi.WeightCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The cores of this machine. */
final class CpuBackend implements Backend {
    private static final int MAX_THREADS = 1024;
    /** At most: it ends as soon as it brings nothing more, which vectors need some seconds for on a busy machine. */
    private static final long WARM_UP_NANOS = 6_000_000_000L;
    private static final String USUAL_COMPILER = "HotSpot 64-Bit Tiered Compilers";

    private final int threads;
    private final KernelChoice choice;
    private final long warmUpNanos;

    CpuBackend(BackendOptions options) {
        this(options, WARM_UP_NANOS);
    }

    /** With another time for the warm-up of each model. */
    CpuBackend(BackendOptions options, long warmUpNanos) {
        this.warmUpNanos = warmUpNanos;
        if (options.threads() < 0 || options.threads() > MAX_THREADS) {
            throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ", or 0 for one each physical core ("
                    + CpuInfo.physicalCores() + " here), not " + options.threads());
        }
        if (options.device() != 0) {
            throw new IllegalArgumentException("the cpu backend has one device, 0, not " + options.device());
        }
        threads = options.threads() == 0 ? CpuInfo.physicalCores() : options.threads();
        choice = KernelChoice.of(options.kernels(), options.activations());
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String describe() {
        String compiler = System.getProperty("sun.management.compiler", "an unnamed compiler");
        return "cpu (" + CpuInfo.model() + "), " + threads + (threads == 1 ? " thread, " : " threads, ")
                + choice.kernels().describe() + ", " + choice.activations() + " activations"
                + (compiler.equals(USUAL_COMPILER) ? "" : ", JVM compiler " + compiler)
                + (choice.reason().isEmpty() ? "" : "; not faster because " + choice.reason());
    }

    @Override
    public String kernels() {
        return choice.name();
    }

    @Override
    public OptionalLong freeMemory() {
        return OptionalLong.of(SystemMemory.available());
    }

    @Override
    public List<String> unsupported(Program program, WeightSource weights) {
        var reasons = new ArrayList<>(WeightCheck.problems(program, weights, WeightCheck::decodes));
        if (program.logits().rows() != Value.Rows.LOGITS) {
            reasons.add("the program computes logits for every token, not for the wanted rows");
        }
        return reasons;
    }

    @Override
    public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
        return load(program, weights, options, ActivationListener.NONE, warmUpNanos);
    }

    @Override
    public ModelRunner loadCold(Program program, WeightSource weights, RunnerOptions options) {
        return load(program, weights, options, ActivationListener.NONE, 0);
    }

    @Override
    public ModelRunner load(Program program, WeightSource weights, RunnerOptions options, ActivationListener listener) {
        return load(program, weights, options, listener, 0); // others would hear of what is no activation
    }

    private ModelRunner load(Program program, WeightSource weights, RunnerOptions options, ActivationListener listener, long nanos) {
        List<String> reasons = unsupported(program, weights);
        if (!reasons.isEmpty()) {
            throw new IllegalArgumentException("the cpu backend cannot run this model: " + String.join("; ", reasons));
        }
        check(options);
        long weightBytes = weightBytes(program, weights);
        int blocks = MemoryBudget.blocks(program, options, weightBytes, DeviceWeights.arranged(program, weights, choice.kernels()),
                SystemMemory.available());
        try {
            return open(program, weights, options, blocks, listener, nanos);
        } catch (RuntimeException | Error t) {
            Optional<OutOfMemoryError> shortage = OutOfMemory.in(t);
            if (shortage.isPresent()) {
                throw new ModelLoadException("out of memory while loading " + weightBytes + " bytes of weights for " + threads
                        + (threads == 1 ? " thread: " : " threads: ") + OutOfMemory.describe(shortage.get()), t);
            }
            throw t;
        }
    }

    private ModelRunner open(Program program, WeightSource weights, RunnerOptions options, int blocks, ActivationListener listener, long nanos) {
        CpuRunner runner = CpuRunner.open(program, weights, options, blocks, choice, threads, listener);
        try {
            NativeHeap.trim(); // compiling takes its memory from there again
            if (nanos > 0) {
                runner.warmUp(nanos);
            }
            NativeHeap.trim(); // memory for steps comes next
        } catch (RuntimeException | Error e) {
            runner.close();
            throw e;
        }
        return runner;
    }

    private static void check(RunnerOptions o) {
        if (!KvLayout.supports(o.kvType())) {
            throw new IllegalArgumentException("the cpu backend stores keys and values as F32, F16 or Q8_0, not as " + o.kvType());
        }
    }

    private static long weightBytes(Program program, WeightSource weights) {
        return WeightShape.of(program).stream().mapToLong(w -> weights.get(w.name()).bytes()).sum();
    }

    @Override
    public void close() {
        // runners own all that there is to close
    }
}
