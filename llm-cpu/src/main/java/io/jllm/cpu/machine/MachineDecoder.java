package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Workspace;
import java.lang.foreign.MemorySegment;

/** Makes floats of rearranged weights in machine code. */
record MachineDecoder(MachineCode code, MemorySegment function) implements CpuKernels.Decoder {
    @Override
    public void decode(PackedMatrix w, int group, MemorySegment to, long at, Workspace ws) {
        code.decode(function, w.data().address() + group * w.groupBytes(), to.address() + at, w.blocks());
    }
}
