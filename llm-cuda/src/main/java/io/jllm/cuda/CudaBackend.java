package io.jllm.cuda;

import io.jllm.cuda.compile.Limits;
import io.jllm.cuda.compile.Rooms;
import io.jllm.cuda.driver.Context;
import io.jllm.cuda.driver.CudaException;
import io.jllm.cuda.driver.Device;
import io.jllm.cuda.driver.Driver;
import io.jllm.cuda.driver.OutOfDeviceMemoryException;
import io.jllm.cuda.driver.Owner;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.weights.DeviceSource;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.spi.ActivationType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.WeightCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/** An NVIDIA device. */
final class CudaBackend implements Backend {
    /** How keys and values can be stored. */
    static final Set<DType> KV_TYPES = Set.of(DType.F32, DType.F16, DType.BF16, DType.F8_E4M3, DType.Q8_0);

    /** From here on activations of many tokens take little of the memory. */
    private static final long LARGE_MEMORY = 20L << 30;
    private static final int MANY_TOKENS = 2048;

    private final Owner owner = new Owner();
    private final Context context;
    private final Kernels kernels;
    private final double memoryFraction;
    private final ActivationType activations;

    private CudaBackend(Device device, KernelImages images, BackendOptions options) {
        memoryFraction = options.memoryFraction();
        activations = options.activations();
        try {
            context = owner.own(StartedDevice.take(device));
            kernels = owner.own(new Kernels(images, images.image(device.capability()).orElseThrow(), device.multiprocessors(),
                    device.sharedMemory()));
        } catch (CudaException | IllegalStateException e) {
            owner.close();
            throw e;
        }
    }

    /** As {@link CudaBackendProvider#open}. */
    static CudaBackend open(BackendOptions options) {
        return open(options, KernelImages.packaged());
    }

    /** With other kernels than those of the jar. */
    static CudaBackend open(BackendOptions options, KernelImages images) {
        if (options.threads() != 0) {
            throw new IllegalArgumentException("threads are for backends that compute on the processor, not for cuda: leave them out");
        }
        if (!options.kernels().equals("auto")) {
            throw new IllegalArgumentException("the cuda backend has one set of kernels, auto, not " + options.kernels());
        }
        images.missing().ifPresent(why -> {
            throw new IllegalStateException(why);
        });
        int devices = switch (Driver.probe(images.oldestDriver())) {
            case Driver.State.Absent a -> throw new IllegalStateException(a.reason());
            case Driver.State.Ready r -> r.devices();
        };
        if (options.device() < 0 || options.device() >= devices) {
            throw new IllegalArgumentException("device " + options.device() + " of " + devices + " was asked for; the first is 0");
        }
        Device device = Device.of(options.device());
        Optional<String> unsupported = CudaBackendProvider.unsupported(images, device);
        if (unsupported.isPresent()) {
            throw new IllegalStateException(unsupported.get());
        }
        return new CudaBackend(device, images, options);
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String describe() {
        return "cuda (" + context.device().name() + ", " + (context.device().memory() >> 20) + " MiB), " + kernels.name() + " kernels, "
                + (activations == ActivationType.FLOAT ? activations : ActivationType.INT8) + " activations";
    }

    @Override
    public String kernels() {
        return kernels.name();
    }

    @Override
    public int tokensPerStep() {
        return context.device().memory() < LARGE_MEMORY ? Backend.super.tokensPerStep() : MANY_TOKENS;
    }

    @Override
    public boolean measuresSteps() {
        return true;
    }

    @Override
    public OptionalDouble memoryBandwidth() {
        return OptionalDouble.of(context.device().memoryBandwidth());
    }

    @Override
    public OptionalLong freeMemory() {
        context.use();
        return OptionalLong.of(context.freeMemory());
    }

    @Override
    public DType kvType() {
        return DType.F16;
    }

    @Override
    public List<String> unsupported(Program program, WeightSource stored) {
        DeviceSource weights = source(program, stored);
        var reasons = new ArrayList<>(WeightCheck.problems(program, weights, w -> w.stored().flatMap(DeviceFormat::of).isPresent()));
        reasons.addAll(new Limits(kernels).problems(program));
        if (activations == ActivationType.FLOAT) {
            reasons.addAll(Limits.floatActivations(program, weights));
        }
        if (program.logits().rows() != Value.Rows.LOGITS) {
            reasons.add("the program computes logits for every token, not for the wanted rows");
        }
        return reasons;
    }

    @Override
    public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
        List<String> reasons = unsupported(program, weights);
        if (!reasons.isEmpty()) {
            throw new IllegalArgumentException("the cuda backend cannot run this model: " + String.join("; ", reasons));
        }
        check(options);
        context.use();
        var plan = new WeightPlan(program, source(program, weights));
        Rooms rooms = Rooms.of(program, plan, kernels, options, activations == ActivationType.FLOAT ? 2 : 1);
        MemoryBudget budget = MemoryBudget.of(program, options, kernels, plan.bytes(), context.freeMemory(), context.device().memory(),
                memoryFraction, rooms.bytes() + ProductKernels.Room.bytes(plan.mostCols()));
        try {
            return new CudaRunner(program, plan, options, budget, context, kernels, rooms);
        } catch (OutOfDeviceMemoryException e) {
            throw new IllegalStateException("out of device memory while loading: weights take " + budget.weights() + " bytes, the KV cache at most "
                    + budget.blocks() * budget.blockBytes() + " bytes, scratch " + budget.scratch()
                    + " bytes; lower gpuMemoryFraction, maxTokensPerStep or "
                    + "maxSequences, or end what else uses the device", e);
        }
    }

    private DeviceSource source(Program program, WeightSource stored) {
        return DeviceSource.of(program, stored, activations == ActivationType.FLOAT);
    }

    private static void check(RunnerOptions o) {
        if (!KV_TYPES.contains(o.kvType())) {
            throw new IllegalArgumentException("the cuda backend stores keys and values as F32, F16, BF16, F8_E4M3 or Q8_0, not as " + o.kvType());
        }
    }

    @Override
    public void close() {
        context.use();
        owner.close();
    }
}
