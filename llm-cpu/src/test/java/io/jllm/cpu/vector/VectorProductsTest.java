package io.jllm.cpu.vector;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedContract;
import java.util.List;

/** Rearranged weights by the Vector API, in the width that this JVM was started for: the bits of machine code. */
class VectorProductsTest extends PackedContract {
    @Override
    protected List<CpuKernels> kernels() {
        return List.of(new VectorKernels());
    }
}
