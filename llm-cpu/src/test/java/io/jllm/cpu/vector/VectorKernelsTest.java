package io.jllm.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.model.Rope;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What must hold to the last bit, in the width that this JVM was started for. */
class VectorKernelsTest {
    private static final int ROWS = 7;

    /** Any bytes at all: huge and tiny scales, infinities and numbers that are none. */
    private static StoredMatrix random(DType type, int cols) {
        MemorySegment data = Arena.ofAuto().allocate(type.bytes((long) ROWS * cols), 64);
        var random = new Random(cols);
        for (long i = 0; i < data.byteSize(); i++) {
            data.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        return StoredMatrix.of(new Tensor("w", type, ROWS, cols, data), new float[0]);
    }

    @Test
    void oneTokenGetsTheBitsThatItGetsAmongOthers() {
        var kernels = new VectorKernels();
        for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16, DType.Q4_0, DType.Q8_0, DType.Q4_K, DType.Q5_K, DType.Q6_K}) {
            int cols = type.blockElements() == 1 ? 291 : 512;
            StoredMatrix w = random(type, cols);
            try (Arena arena = Arena.ofConfined()) {
                var ws = new Workspace(arena, cols);
                var x = new Rows(arena.allocate(4L * cols * 9, 64), 0, cols);
                var random = new Random(1);
                for (int i = 0; i < 9 * cols; i++) {
                    x.data().set(Rows.FLOAT, 4L * i, (float) random.nextGaussian() * 1e-9f);
                }
                var many = new Rows(arena.allocate(4L * ROWS * 9, 64), 0, ROWS);
                kernels.linear(w, 0, ROWS, x, 9, new Target(many, 0, Optional.empty()), ws);
                for (int t = 0; t < 9; t++) {
                    var one = new Rows(arena.allocate(4L * ROWS, 64), 0, ROWS);
                    var alone = new Rows(x.data(), x.row(t), cols);
                    kernels.linear(w, 0, 3, alone, 1, new Target(one, 0, Optional.empty()), ws);
                    kernels.linear(w, 3, ROWS, alone, 1, new Target(one, 0, Optional.empty()), ws);
                    for (int r = 0; r < ROWS; r++) {
                        float got = one.data().get(Rows.FLOAT, 4L * r);
                        assertEquals(many.data().get(Rows.FLOAT, many.row(t) + 4L * r), got, type + ", row " + r + ", token " + t);
                    }
                }
            }
        }
    }

    /** Dimensions that fill no vector, and those behind the last one, which stay as they are. */
    @Test
    void rotatesToTheBitsOfPlainJava() {
        var random = new Random(3);
        for (Rope.Layout layout : Rope.Layout.values()) {
            for (int n : new int[] {2, 6, 30, 64, 70, 96, 128}) {
                float[][] parts = new float[4][n + 5];
                for (float[] part : parts) {
                    for (int i = 0; i < part.length; i++) {
                        part[i] = (float) random.nextGaussian();
                    }
                }
                float[] x = parts[0].clone();
                new ScalarKernels().rotate(layout, parts[0], n, parts[1], parts[2], 3);
                new VectorKernels().rotate(layout, x, n, parts[1], parts[2], 3);
                assertArrayEquals(parts[0], x, layout + " of " + n);
            }
        }
    }

    @Test
    void exponentialsAreExactToTwoUnitsOfTheLastPlace() {
        var x = new float[40_003];
        for (int i = 0; i < x.length; i++) {
            x[i] = -87 + i * (175f / x.length);
        }
        var got = x.clone();
        VectorMath.exp(got, 0, got.length);
        for (int i = 0; i < x.length; i++) {
            double want = Math.exp(x[i]);
            assertEquals(want, got[i], 2.4e-7 * want, "exp of " + x[i]);
        }
        var ends = new float[17];
        ends[0] = Float.NEGATIVE_INFINITY;
        ends[1] = -1e30f;
        ends[2] = -100;
        ends[3] = Float.NaN;
        ends[5] = -0f;
        ends[6] = 1e30f;
        ends[7] = Float.POSITIVE_INFINITY;
        ends[16] = Float.NaN;
        VectorMath.exp(ends, 0, ends.length);
        assertTrue(ends[0] > 0 && ends[0] < 2e-38 && ends[1] == ends[0] && ends[2] == ends[0]);
        assertTrue(Float.isNaN(ends[3]) && Float.isNaN(ends[16]));
        assertTrue(ends[4] == 1 && ends[5] == 1 && ends[6] > 1e38 && ends[6] == ends[7] && Float.isFinite(ends[7]));
    }
}
