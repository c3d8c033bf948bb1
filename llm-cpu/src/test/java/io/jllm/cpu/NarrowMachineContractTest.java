package io.jllm.cpu;

import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider.BackendOptions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;

/** The contract with machine code for AVX2. */
class NarrowMachineContractTest extends CpuContract {
    @BeforeEach
    void runsHere() {
        Assumptions.assumeTrue(MachineKernels.of(Isa.AVX2).isPresent(), () -> "skipped: " + MachineKernels.whyNot(Isa.AVX2));
    }

    @Override
    protected Backend open(int threads) {
        return new CpuBackend(new BackendOptions(threads, "avx2", 0), 0);
    }

    @Override
    protected boolean quantises(DType type) {
        return meetsBytes(type);
    }
}
