package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.os.MachineCodeException;
import io.jllm.model.Op.Activation;
import io.jllm.model.Rope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/** Compares norms, activations and rotations in machine code with plain Java before they are used. */
final class RowSelfTest {
    /** Two whole groups of 16, and some more. */
    private static final int LENGTH = 37;
    private static final float EPS = 1e-5f;
    private static final float TOLERANCE = 2e-6f;

    private RowSelfTest() {
    }

    /**
     * Takes about a millisecond.
     *
     * @throws MachineCodeException if a result is off by more than rounding explains
     */
    static void run(RowFunctions functions) {
        var random = new Random(1);
        float[] x = random(random, LENGTH);
        float[] y = random(random, LENGTH);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = store(arena, x);
            MemorySegment other = store(arena, y);
            MemorySegment out = arena.allocate(LENGTH * Float.BYTES + Float.BYTES);
            functions.norm(in.address(), out.address(), RowFunctions.normWeight(arena, y, EPS), LENGTH);
            double squares = 0;
            for (float v : x) {
                squares += (double) v * v;
            }
            for (int i = 0; i < LENGTH; i++) {
                check("norm", x[i] / Math.sqrt(squares / LENGTH + EPS) * y[i], out, i);
            }
            for (Activation kind : List.of(Activation.SILU, Activation.GELU_TANH)) {
                switch (kind) {
                    case SILU -> functions.silu(in.address(), other.address(), out.address(), LENGTH);
                    case GELU_TANH -> functions.gelu(in.address(), other.address(), out.address(), LENGTH);
                    default -> throw new IllegalStateException(kind.name());
                }
                for (int i = 0; i < LENGTH; i++) {
                    check(kind.name(), (double) ScalarKernels.activate(kind, x[i]) * y[i], out, i);
                }
            }
            check("a row", 0, out, LENGTH); // nothing is written behind it
            functions.sums(in.address(), out.address(), LENGTH);
            float largest = Float.NEGATIVE_INFINITY;
            for (float v : x) {
                largest = Math.max(largest, v);
            }
            double sum = 0;
            for (float v : x) {
                sum += Math.exp(v - largest);
            }
            check("the largest number", largest, out, 0);
            check("a sum of exponentials", sum, out, 1);
        }
    }

    /** The same for rotation. */
    static void run(RopeFunctions functions, RopeShape shape) {
        var random = new Random(1);
        int dim = shape.dim();
        int heads = 2;
        float[] x = random(random, heads * dim);
        float[] values = random(random, heads * dim);
        float[] cos = random(random, shape.rotaryDim());
        float[] sin = random(random, shape.rotaryDim());
        var scalar = new ScalarKernels();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = store(arena, x);
            MemorySegment out = arena.allocate((heads * dim + 1L) * Float.BYTES);
            MemorySegment c = store(arena, cos);
            MemorySegment s = store(arena, sin);
            functions.rotate(in.address(), out.address(), c.address(), s.address(), heads);
            long stride = (long) dim * shape.positions() * Float.BYTES;
            MemorySegment keys = arena.allocate(heads * stride);
            MemorySegment stored = arena.allocate(heads * stride + Float.BYTES);
            functions.store(in.address(), store(arena, values).address(), c.address(), s.address(), heads, keys.address(), stored.address(), stride,
                    arena.allocate((long) dim * Float.BYTES).address());
            for (int h = 0; h < heads; h++) {
                var head = new float[dim];
                System.arraycopy(x, h * dim, head, 0, dim);
                scalar.rotate(shape.halves() ? Rope.Layout.NEOX : Rope.Layout.INTERLEAVED, head, shape.rotaryDim(), cos, sin, 0);
                for (int d = 0; d < dim; d++) {
                    check("rotation", head[d], out, h * dim + d);
                    check("a rotated key", head[d], keys, (h * dim + d) * shape.positions());
                    check("a value", values[h * dim + d], stored, h * dim * shape.positions() + d);
                }
            }
            check("a head", 0, out, heads * dim);
        }
    }

    private static float[] random(Random random, int n) {
        var x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = random.nextFloat() * 4 - 2;
        }
        return x;
    }

    private static MemorySegment store(Arena arena, float[] x) {
        MemorySegment to = arena.allocate((long) x.length * Float.BYTES);
        MemorySegment.copy(x, 0, to, Rows.FLOAT, 0, x.length);
        return to;
    }

    private static void check(String what, double want, MemorySegment out, int i) {
        float got = out.get(Rows.FLOAT, (long) i * Float.BYTES);
        if (!(Math.abs(want - got) <= TOLERANCE * (1 + Math.abs(want)))) {
            throw new MachineCodeException("the self-test of " + what + " failed: number " + i + " is " + got + ", should be " + want);
        }
    }
}
