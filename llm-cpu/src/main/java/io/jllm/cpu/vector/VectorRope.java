package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;

import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.model.Rope;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/** Rotation of pairs, to the last bit as {@link ScalarKernels} have it: a product, a product, a sum. */
final class VectorRope {
    /** Each lane takes the number of its neighbour; there are no odd numbers of lanes. */
    private static final VectorShuffle<Float> NEIGHBOUR = VectorShuffle.fromOp(F, i -> i ^ 1);

    private VectorRope() {
    }

    static void rotate(Rope.Layout layout, float[] x, int n, float[] cos, float[] sin, int at) {
        switch (layout) {
            case NEOX -> halves(x, n / 2, cos, sin, at);
            case INTERLEAVED -> neighbours(x, n, cos, sin, at);
        }
    }

    private static void halves(float[] x, int half, float[] cos, float[] sin, int at) {
        int end = half - half % L;
        for (int i = 0; i < end; i += L) {
            FloatVector a = FloatVector.fromArray(F, x, i);
            FloatVector b = FloatVector.fromArray(F, x, i + half);
            a.mul(FloatVector.fromArray(F, cos, at + i)).add(b.mul(FloatVector.fromArray(F, sin, at + i))).intoArray(x, i);
            b.mul(FloatVector.fromArray(F, cos, at + half + i)).add(a.mul(FloatVector.fromArray(F, sin, at + half + i)))
                    .intoArray(x, i + half);
        }
        ScalarKernels.rotateHalves(x, end, half, cos, sin, at);
    }

    private static void neighbours(float[] x, int n, float[] cos, float[] sin, int at) {
        int end = n - n % L;
        for (int i = 0; i < end; i += L) {
            FloatVector a = FloatVector.fromArray(F, x, i);
            FloatVector b = a.rearrange(NEIGHBOUR);
            a.mul(FloatVector.fromArray(F, cos, at + i)).add(b.mul(FloatVector.fromArray(F, sin, at + i))).intoArray(x, i);
        }
        ScalarKernels.rotateNeighbours(x, end, n, cos, sin, at);
    }
}
