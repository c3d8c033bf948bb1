package io.jllm.cpu.tier;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.MachineTier;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.vector.VectorKernels;
import io.jllm.cpu.vector.VectorProbe;
import io.jllm.spi.ActivationType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The kernels for this JVM and processor.
 *
 * @param kernels the fastest tier, which hands on to slower ones what it cannot do
 * @param reason why nothing faster was taken; empty if there is nothing faster here
 * @param activations what they multiply quantised weights by: {@link ActivationType#INT8} or {@link ActivationType#FLOAT}
 */
public record KernelChoice(CpuKernels kernels, String reason, ActivationType activations) {
    private static final String FLAG = "--add-modules jdk.incubator.vector";
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    /**
     * Chooses kernels, and the activations that they are fastest with.
     *
     * @param name {@code auto}, {@code avx512}, {@code avx2}, {@code vector} or {@code scalar}
     * @throws IllegalArgumentException if there is no such kernel, or not here; the message lists those that are
     */
    public static KernelChoice of(String name) {
        return of(name, ActivationType.AUTO);
    }

    /**
     * Chooses.
     *
     * @param name as above
     * @throws IllegalArgumentException also if the kernels multiply nothing by activations of 8 bits, where these are asked for
     */
    public static KernelChoice of(String name, ActivationType activations) {
        KernelChoice choice = kernels(name);
        return switch (activations) {
            case AUTO -> choice;
            case INT8 -> {
                if (choice.activations != ActivationType.INT8) {
                    throw new IllegalArgumentException(choice.name() + " kernels have no int8 activations, only float"
                            + (name.equals(choice.name()) ? "" : " (" + choice.reason + ")") + "; leave activations out, or choose others of "
                            + available());
                }
                yield choice;
            }
            case FLOAT -> new KernelChoice(new FloatActivations(choice.kernels), choice.reason, ActivationType.FLOAT);
        };
    }

    private static KernelChoice kernels(String name) {
        return switch (name) {
            case "scalar" -> new KernelChoice(new ScalarKernels(), "scalar kernels were asked for");
            case "vector" -> {
                whyNoVectors().ifPresent(why -> {
                    throw unavailable(name, why);
                });
                yield new KernelChoice(new VectorKernels(), "vector kernels were asked for");
            }
            case "avx512" -> machine(name, Isa.AVX512);
            case "avx2" -> machine(name, Isa.AVX2);
            case "auto" -> best();
            default -> throw new IllegalArgumentException("there are no kernels \"" + name + "\"; available here: " + available());
        };
    }

    /** With the activations that the kernels are fastest with: plain Java knows floats alone. */
    private KernelChoice(CpuKernels kernels, String reason) {
        this(kernels, reason, kernels instanceof ScalarKernels ? ActivationType.FLOAT : ActivationType.INT8);
    }

    private static KernelChoice machine(String name, Isa isa) {
        if (MachineKernels.of(isa).isEmpty()) {
            throw unavailable(name, MachineKernels.whyNot(isa));
        }
        return with(MachineKernels.of(isa), isa == Isa.AVX512 ? "" : name + " kernels were asked for");
    }

    private static KernelChoice best() {
        return with(MachineKernels.best(), MachineKernels.whyNot(Isa.AVX512));
    }

    /** With vectors for the rest, if there are any. */
    private static KernelChoice with(Optional<MachineKernels> machine, String reason) {
        Optional<String> noVectors = whyNoVectors();
        noVectors.ifPresent(KernelChoice::warn);
        CpuKernels loops = noVectors.isPresent() ? new ScalarKernels() : new VectorKernels();
        return new KernelChoice(machine.<CpuKernels>map(m -> new MachineTier(m, loops)).orElse(loops), noVectors.orElse(reason));
    }

    /** As a user would name them. */
    public String name() {
        return kernels.name();
    }

    private static IllegalArgumentException unavailable(String name, String why) {
        return new IllegalArgumentException("kernels \"" + name + "\" cannot run here: " + why + "; available here: " + available());
    }

    private static String available() {
        var names = new ArrayList<>(List.of("auto"));
        for (Isa isa : Isa.values()) {
            MachineKernels.of(isa).ifPresent(m -> names.add(m.name()));
        }
        if (whyNoVectors().isEmpty()) {
            names.add("vector");
        }
        names.add("scalar");
        return String.join(", ", names);
    }

    /** Must not touch {@link VectorKernels} and others, whose classes cannot even be linked without the module. */
    private static Optional<String> whyNoVectors() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Optional.of("the Vector API is off: start Java with " + FLAG);
        }
        // Only the optimising compiler turns vector code into vector instructions; all else runs it far slower than plain code.
        if (System.getProperty("java.vm.info", "").contains("interpreted")) {
            return Optional.of("the JVM interprets (-Xint), where the Vector API is slow");
        }
        if (System.getProperty("java.vm.info", "").contains("emulated-client")) {
            return Optional.of("the JVM runs without its optimising compiler, where the Vector API is slow");
        }
        return VectorProbe.usable();
    }

    private static void warn(String why) {
        if (WARNED.compareAndSet(false, true)) {
            System.getLogger(KernelChoice.class.getPackageName())
                    .log(System.Logger.Level.WARNING, "Computing with scalar kernels what vector kernels do many times faster: {0}", why);
        }
    }
}
