package io.jllm.cpu.vector;

import static io.jllm.cpu.layout.Rows.FLOAT;
import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Norms, factors and sums of rows. What does not fill a vector is computed one by one. */
final class VectorRows {
    private VectorRows() {
    }

    static void rmsNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float eps,
                        float[] lanes) {
        int end = n - n % L;
        FloatVector squares = FloatVector.zero(F);
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN);
            squares = x.fma(x, squares);
        }
        squares.intoArray(lanes, 0);
        float sum = VectorDots.tree(lanes, 0);
        for (int i = end; i < n; i++) {
            float x = in.get(FLOAT, inAt + 4L * i);
            sum += x * x;
        }
        float factor = (float) (1 / Math.sqrt((double) sum / n + eps));
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN);
            x.mul(factor).mul(FloatVector.fromArray(F, weight, i)).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            out.set(FLOAT, outAt + 4L * i, in.get(FLOAT, inAt + 4L * i) * factor * weight[i]);
        }
    }

    static void layerNorm(MemorySegment in, long inAt, MemorySegment out, long outAt, int n, float[] weight, float[] bias, float eps,
                          float[] lanes) {
        int end = n - n % L;
        float mean = sum(in, inAt, n, lanes) / n;
        FloatVector squares = FloatVector.zero(F);
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN).sub(mean);
            squares = x.fma(x, squares);
        }
        squares.intoArray(lanes, 0);
        float sum = VectorDots.tree(lanes, 0);
        for (int i = end; i < n; i++) {
            float x = in.get(FLOAT, inAt + 4L * i) - mean;
            sum += x * x;
        }
        float factor = (float) (1 / Math.sqrt((double) sum / n + eps));
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN).sub(mean);
            x.mul(factor).mul(FloatVector.fromArray(F, weight, i)).add(FloatVector.fromArray(F, bias, i))
                    .intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            out.set(FLOAT, outAt + 4L * i, (in.get(FLOAT, inAt + 4L * i) - mean) * factor * weight[i] + bias[i]);
        }
    }

    private static float sum(MemorySegment in, long at, int n, float[] lanes) {
        int end = n - n % L;
        FloatVector sums = FloatVector.zero(F);
        for (int i = 0; i < end; i += L) {
            sums = sums.add(FloatVector.fromMemorySegment(F, in, at + 4L * i, LITTLE_ENDIAN));
        }
        sums.intoArray(lanes, 0);
        float sum = VectorDots.tree(lanes, 0);
        for (int i = end; i < n; i++) {
            sum += in.get(FLOAT, at + 4L * i);
        }
        return sum;
    }

    static void multiply(MemorySegment in, long inAt, float factor, MemorySegment out, long outAt, int n) {
        int end = n - n % L;
        for (int i = 0; i < end; i += L) {
            FloatVector.fromMemorySegment(F, in, inAt + 4L * i, LITTLE_ENDIAN).mul(factor).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            out.set(FLOAT, outAt + 4L * i, in.get(FLOAT, inAt + 4L * i) * factor);
        }
    }

    static void add(MemorySegment a, long aAt, MemorySegment b, long bAt, float factor, MemorySegment out, long outAt, int n) {
        int end = n - n % L;
        for (int i = 0; i < end; i += L) {
            FloatVector x = FloatVector.fromMemorySegment(F, a, aAt + 4L * i, LITTLE_ENDIAN);
            FloatVector.fromMemorySegment(F, b, bAt + 4L * i, LITTLE_ENDIAN).mul(factor).add(x).intoMemorySegment(out, outAt + 4L * i, LITTLE_ENDIAN);
        }
        for (int i = end; i < n; i++) {
            out.set(FLOAT, outAt + 4L * i, b.get(FLOAT, bAt + 4L * i) * factor + a.get(FLOAT, aAt + 4L * i));
        }
    }
}
