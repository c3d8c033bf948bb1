package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.Angles;
import io.jllm.cpu.kernels.Rotation;
import io.jllm.cpu.kernels.Workspace;
import java.lang.foreign.MemorySegment;

/** In machine code. */
record MachineHeads(RopeFunctions rope, Angles angles) implements Rotation.Heads {
    @Override
    public void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int heads, int token, Workspace ws) {
        rope.rotate(in.address() + inAt, out.address() + outAt, angles.cosAddress(token), angles.sinAddress(token), heads);
    }
}
