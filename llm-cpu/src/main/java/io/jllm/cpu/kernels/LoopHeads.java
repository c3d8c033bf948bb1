package io.jllm.cpu.kernels;

import static io.jllm.cpu.layout.Rows.FLOAT;

import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.model.Rope;
import java.lang.foreign.MemorySegment;

/** By {@link LoopKernels}, a head at a time. */
record LoopHeads(RopeShape shape, Angles angles, LoopKernels kernels) implements Rotation.Heads {
    @Override
    public void apply(MemorySegment in, long inAt, MemorySegment out, long outAt, int heads, int token, Workspace ws) {
        float[] head = ws.head(shape.dim());
        Rope.Layout layout = shape.halves() ? Rope.Layout.NEOX : Rope.Layout.INTERLEAVED;
        for (int h = 0; h < heads; h++) {
            long at = (long) h * shape.dim() * Float.BYTES;
            MemorySegment.copy(in, FLOAT, inAt + at, head, 0, shape.dim());
            kernels.rotate(layout, head, shape.rotaryDim(), angles.cos(), angles.sin(), angles.at(token));
            MemorySegment.copy(head, 0, out, FLOAT, outAt + at, shape.dim());
        }
    }
}
