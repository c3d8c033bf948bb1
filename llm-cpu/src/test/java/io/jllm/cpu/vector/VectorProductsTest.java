package io.jllm.cpu.vector;

import io.jllm.cpu.kernels.PackedContract;
import io.jllm.cpu.kernels.PackedKernels;
import java.util.List;

/** Rearranged weights by the Vector API, in the width that this JVM was started for: the bits of machine code. */
class VectorProductsTest extends PackedContract {
    @Override
    protected List<PackedKernels> kernels() {
        return List.of(new VectorProducts());
    }
}
