package io.jllm.cpu.vector;

import io.jllm.cpu.os.CpuInfo;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;

/** Whether the processor has vectors worth using. Apart from {@link VectorKernels}, so that asking does not set those up. */
public final class VectorProbe {
    private VectorProbe() {
    }

    /** Why not; empty if it has. */
    public static Optional<String> usable() {
        int bits = FloatVector.SPECIES_PREFERRED.vectorBitSize();
        if (CpuInfo.lacksFma()) {
            return Optional.of("the processor has no fused multiply-add");
        }
        return bits < 128 ? Optional.of("the processor's vectors have " + bits + " bits only") : Optional.empty();
    }
}
