package io.jllm.cpu.kernels;

import java.util.List;

/** Rearranged weights by the Vector API, in the width that this JVM was started for: the bits of machine code. */
class VectorProductsTest extends PackedContract {
    @Override
    List<PackedKernels> kernels() {
        return List.of(new VectorProducts());
    }
}
