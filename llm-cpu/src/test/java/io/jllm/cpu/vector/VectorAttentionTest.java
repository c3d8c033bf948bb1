package io.jllm.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.cpu.kernels.LoopKernels;
import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Kernels of attention side by side with their scalar twins, in the width that this JVM was started for. */
class VectorAttentionTest {
    private static final DType[] TYPES = {DType.F32, DType.F16, DType.Q8_0};
    private static final int[] DIMS = {4, 20, 33, 64, 80, 128};
    private static final int[] BLOCK_SIZES = {1, 3, 16, 17, 64};
    private static final int ROWS = 12;
    private static final int STRIDE = 64 + KvLayout.SLACK / Float.BYTES;

    private final Arena arena = Arena.ofConfined();
    private final Workspace ws = new Workspace(arena, 256, 64 * 128);
    private final LoopKernels vector = new VectorKernels();
    private final LoopKernels scalar = new ScalarKernels();

    @AfterEach
    void free() {
        arena.close();
    }

    private interface Case {
        void run(KvLayout layout, MemorySegment page, int from, int n);
    }

    /** Pages of keys, then values, with random numbers in them, and ranges of their positions. */
    private void cases(Case test) {
        for (DType type : TYPES) {
            for (int dim : DIMS) {
                for (int size : BLOCK_SIZES) {
                    var layout = new KvLayout(type, dim, size);
                    MemorySegment page = arena.allocate(2 * layout.bytes() + KvLayout.SLACK, 64);
                    var random = new Random(dim + size);
                    for (int p = 0; p < size; p++) {
                        layout.storeKey(random(random, dim), page, 0, p);
                        layout.storeValue(random(random, dim), page, layout.bytes(), p);
                    }
                    test.run(layout, page, 0, size);
                    test.run(layout, page, size / 3, size - size / 3);
                    test.run(layout, page, size / 2, 1);
                }
            }
        }
    }

    private static float[] random(Random random, int n) {
        var x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    @Test
    void scoresAreThoseOfPlainCodeHoweverManyRowsThereAre() {
        cases((layout, page, from, n) -> {
            float[] q = random(new Random(1), ROWS * layout.dim());
            var want = new float[ROWS * STRIDE];
            scalar.scores(layout, page, 0, from, n, q, ROWS, want, 0, STRIDE, ws);
            var all = new float[ROWS * STRIDE];
            vector.scores(layout, page, 0, from, n, q, ROWS, all, 0, STRIDE, ws);
            for (int r = 0; r < ROWS; r += LoopKernels.ROWS) {
                var four = new float[LoopKernels.ROWS * STRIDE];
                vector.scores(layout, page, 0, from, n, Arrays.copyOfRange(q, r * layout.dim(), ROWS * layout.dim()), LoopKernels.ROWS, four, 0,
                        STRIDE, ws);
                for (int i = 0; i < LoopKernels.ROWS; i++) {
                    assertArrayEquals(Arrays.copyOfRange(all, (r + i) * STRIDE, (r + i) * STRIDE + n),
                            Arrays.copyOfRange(four, i * STRIDE, i * STRIDE + n), layout + ", row " + (r + i));
                    for (int p = 0; p < n; p++) {
                        assertEquals(want[(r + i) * STRIDE + p], all[(r + i) * STRIDE + p], 1e-5f * layout.dim(), layout + ", position " + p);
                    }
                }
            }
        });
    }

    @Test
    void sumsOfValuesAreThoseOfPlainCodeHoweverManyRowsThereAre() {
        cases((layout, page, from, n) -> {
            float[] p = random(new Random(2), ROWS * STRIDE);
            int width = layout.dim() + 3;
            float[] start = random(new Random(3), ROWS * width);
            float[] want = start.clone();
            scalar.addValues(layout, page, layout.bytes(), from, n, p, 5, STRIDE, ROWS - 4, want, 2, width, ws);
            float[] all = start.clone();
            vector.addValues(layout, page, layout.bytes(), from, n, p, 5, STRIDE, ROWS - 4, all, 2, width, ws);
            float[] four = start.clone();
            for (int r = 0; r < ROWS - 4; r += 4) {
                vector.addValues(layout, page, layout.bytes(), from, n, p, 5 + r * STRIDE, STRIDE, 4, four, 2 + r * width, width, ws);
            }
            assertArrayEquals(all, four, layout.toString());
            assertArrayEquals(want, all, 1e-4f, layout.toString());
        });
    }

    @Test
    void softmaxIsThatOfPlainCodeAndOfWhatItIsGivenOnly() {
        for (int n : new int[] {1, 3, 4, 5, 16, 31, 64, 255, 256}) {
            for (float cap : new float[] {0, 0.7f, 30}) {
                float[] s = random(new Random(n), n + 7 + KvLayout.SLACK / Float.BYTES);
                for (int i = 0; i < s.length; i++) {
                    s[i] *= 9;
                }
                float[] t = s.clone();
                if (cap > 0) {
                    vector.cap(s, 7, n, cap, ws);
                    scalar.cap(t, 7, n, cap, ws);
                }
                float max = vector.largest(s, 7, n);
                assertEquals(scalar.largest(t, 7, n), max, 1e-5f * Math.abs(max));
                float sum = vector.exponentials(s, 7, n, max, ws);
                assertEquals(scalar.exponentials(t, 7, n, max, ws), sum, 3e-6f * sum);
                assertArrayEquals(Arrays.copyOf(t, 7 + n), Arrays.copyOf(s, 7 + n), 2e-5f);
            }
        }
    }

    @Test
    void typesRoundAsTheirFormatsDo() {
        float[] x = random(new Random(8), 72);
        x[1] = 1e6f;
        x[2] = -1e6f;
        x[40] = 0;
        var got = new float[72];
        var half = new KvLayout(DType.F16, 72, 3);
        MemorySegment page = arena.allocate(2 * half.bytes(), 64);
        half.storeValue(x, page, 0, 2);
        half.value(page, 0, 2, got);
        for (int i = 0; i < x.length; i++) {
            assertEquals(i == 1 ? 65504 : i == 2 ? -65504 : Float.float16ToFloat(Float.floatToFloat16(x[i])), got[i]);
        }
        var bytes = new KvLayout(DType.Q8_0, 72, 3);
        assertEquals((72 + 3 * 2) * 3, bytes.bytes());
        bytes.storeKey(x, page, 0, 1);
        for (int i = 0; i < x.length; i++) {
            var key = new float[1];
            bytes.keys(page, 0, i, 1, 1, key);
            float largest = 0;
            for (int j = i / 32 * 32; j < Math.min(72, i / 32 * 32 + 32); j++) {
                largest = Math.max(largest, Math.abs(x[j]));
            }
            assertEquals(x[i], key[0], largest * (0.5f / 127 + 0x1p-11f), "number " + i);
        }
    }
}
