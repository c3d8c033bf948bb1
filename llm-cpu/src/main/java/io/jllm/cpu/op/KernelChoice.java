package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.PackedKernels;
import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.vector.VectorKernels;
import io.jllm.cpu.vector.VectorProbe;
import io.jllm.cpu.vector.VectorProducts;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The kernels for this JVM and processor.
 *
 * @param kernels for what {@code packed} does not do
 * @param packed products of weights that are rearranged; if they are machine code, it does most of the rest too
 * @param reason why nothing faster was taken; empty if there is nothing faster here
 */
public record KernelChoice(Kernels kernels, Optional<PackedKernels> packed, String reason) {
    private static final String FLAG = "--add-modules jdk.incubator.vector";
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    /**
     * Chooses.
     *
     * @param name {@code auto}, {@code avx512}, {@code avx2}, {@code vector} or {@code scalar}
     * @throws IllegalArgumentException if there is no such kernel, or not here; the message lists those that are
     */
    public static KernelChoice of(String name) {
        return switch (name) {
            case "scalar" -> new KernelChoice(new ScalarKernels(), Optional.empty(), "scalar kernels were asked for");
            case "vector" -> {
                whyNoVectors().ifPresent(why -> {
                    throw unavailable(name, why);
                });
                yield new KernelChoice(new VectorKernels(), Optional.of(new VectorProducts()), "vector kernels were asked for");
            }
            case "avx512" -> machine(name, Isa.AVX512);
            case "avx2" -> machine(name, Isa.AVX2);
            case "auto" -> best();
            default -> throw new IllegalArgumentException("there are no kernels \"" + name + "\"; available here: " + available());
        };
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
        Optional<PackedKernels> packed = machine.map(m -> m);
        return noVectors.map(why -> new KernelChoice(new ScalarKernels(), packed, why))
                .orElseGet(() -> new KernelChoice(new VectorKernels(), packed.or(() -> Optional.of(new VectorProducts())), reason));
    }

    /** As a user would name them. */
    public String name() {
        return packed.map(PackedKernels::name).orElseGet(kernels::name);
    }

    /** Machine code, if that was chosen. */
    public Optional<MachineKernels> machine() {
        return packed.flatMap(p -> p instanceof MachineKernels m ? Optional.of(m) : Optional.empty());
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
