package io.jllm.cpu.kernels;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The kernels for this JVM and processor.
 *
 * @param kernels which
 * @param reason why nothing faster was taken; empty if there is nothing faster here
 */
public record KernelChoice(Kernels kernels, String reason) {
    private static final String FLAG = "--add-modules jdk.incubator.vector";
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    /**
     * Chooses.
     *
     * @param name {@code auto}, {@code vector} or {@code scalar}
     * @throws IllegalArgumentException if there is no such kernel, or not here; the message lists those that are
     */
    public static KernelChoice of(String name) {
        Optional<String> noVectors = whyNoVectors();
        String available = "; available here: " + String.join(", ", available(noVectors));
        return switch (name) {
            case "scalar" -> new KernelChoice(new ScalarKernels(), noVectors.orElse("scalar kernels were asked for"));
            case "vector" -> vectors(noVectors.map(why -> "kernels \"vector\" cannot run here: " + why + available));
            case "auto" -> {
                if (noVectors.isPresent()) {
                    warn(noVectors.get());
                    yield new KernelChoice(new ScalarKernels(), noVectors.get());
                }
                yield vectors(noVectors);
            }
            default -> throw new IllegalArgumentException("there are no kernels \"" + name + "\"" + available);
        };
    }

    private static KernelChoice vectors(Optional<String> obstacle) {
        if (obstacle.isPresent()) {
            throw new IllegalArgumentException(obstacle.get());
        }
        return new KernelChoice(new VectorKernels(), "");
    }

    private static List<String> available(Optional<String> noVectors) {
        return noVectors.isPresent() ? List.of("auto", "scalar") : List.of("auto", "vector", "scalar");
    }

    /** Must not touch {@link VectorKernels}, whose class cannot even be linked without the module. */
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
                    .log(System.Logger.Level.WARNING, "Computing with scalar kernels, many times slower than vector kernels: {0}", why);
        }
    }
}
