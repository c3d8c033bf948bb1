package io.jllm.cpu.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.kernels.ScalarKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.layout.attention.RopeShape;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.model.Op.Activation;
import io.jllm.model.Rope;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Norms, activations, sums and rotations in the machine code of every instruction set that runs here, beside plain Java. */
class RowFunctionsTest {
    private static final int[] LENGTHS = {1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 100, 1027, 2048};
    private static final float EPS = 1e-5f;
    private static final float GUARD = 77;

    private final Arena arena = Arena.ofConfined();
    private final List<MachineKernels> kernels = Arrays.stream(Isa.values()).flatMap(i -> MachineKernels.of(i).stream()).toList();

    @BeforeEach
    void runsHere() {
        Assumptions.assumeFalse(kernels.isEmpty(), () -> "skipped: " + MachineKernels.whyNot(Isa.AVX2));
    }

    @AfterEach
    void free() {
        arena.close();
    }

    private static float[] random(int n, float scale) {
        var random = new Random(n);
        var x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian() * scale;
        }
        return x;
    }

    /** With something behind it. */
    private MemorySegment store(float[] x) {
        MemorySegment to = arena.allocate((x.length + 1L) * Float.BYTES);
        MemorySegment.copy(x, 0, to, Rows.FLOAT, 0, x.length);
        to.set(Rows.FLOAT, (long) x.length * Float.BYTES, GUARD);
        return to;
    }

    private static float[] read(MemorySegment from, int n) {
        assertEquals(GUARD, from.get(Rows.FLOAT, (long) n * Float.BYTES), "behind the row");
        var x = new float[n];
        MemorySegment.copy(from, Rows.FLOAT, 0, x, 0, n);
        return x;
    }

    private interface Call {
        void run(RowFunctions functions, MemorySegment out);
    }

    /** What comes of a call with each instruction set, which must be the same. */
    private float[] results(int n, Call call) {
        var all = new ArrayList<float[]>();
        for (MachineKernels k : kernels) {
            MemorySegment out = store(new float[n]);
            call.run(k.rows().orElseThrow(), out);
            all.add(read(out, n));
            assertArrayEquals(all.getFirst(), all.getLast(), k.name());
        }
        return all.getFirst();
    }

    @Test
    void normsAreThoseOfPlainCode() {
        for (int n : LENGTHS) {
            for (float scale : new float[] {1, 1e-6f, 1e6f, 0}) {
                float[] x = random(n, scale);
                float[] w = random(n + 1, 1);
                MemorySegment in = store(x);
                MemorySegment want = store(new float[n]);
                new ScalarKernels().rmsNorm(in, 0, want, 0, n, w, EPS, new Workspace(arena, n));
                MemorySegment weight = RowFunctions.normWeight(arena, Arrays.copyOf(w, n), EPS);
                float[] got = results(n, (f, out) -> f.norm(in.address(), out.address(), weight, n));
                float[] inPlace = results(n, (f, out) -> {
                    MemorySegment.copy(in, 0, out, 0, (long) n * Float.BYTES);
                    f.norm(out.address(), out.address(), weight, n);
                });
                assertArrayEquals(got, inPlace);
                for (int i = 0; i < n; i++) {
                    float should = want.get(Rows.FLOAT, (long) i * Float.BYTES);
                    assertEquals(should, got[i], 1e-6 * Math.abs(should), n + " numbers, number " + i);
                }
            }
        }
    }

    @Test
    void activationsAreThoseOfPlainCode() {
        for (Activation kind : List.of(Activation.SILU, Activation.GELU_TANH)) {
            for (int n : LENGTHS) {
                float[] gate = random(n, n % 2 == 0 ? 2 : 60);
                float[] up = random(n + 1, 3);
                MemorySegment g = store(gate);
                MemorySegment u = store(up);
                float[] got = results(n, (f, out) -> activate(f, kind, g, u, out, n));
                for (int i = 0; i < n; i++) {
                    double want = (double) ScalarKernels.activate(kind, gate[i]) * up[i];
                    // An exponential is off by what its argument is; and where 1 + tanh is all but 0, plain code has few digits left.
                    assertEquals(want, got[i], 1e-5 * Math.abs(want) + 1e-12, kind + " of " + gate[i]);
                }
            }
            float[] ends = {0, -0f, 200, -200, 1e30f, -1e30f, Float.NaN};
            float[] got = results(ends.length, (f, out) -> activate(f, kind, store(ends), store(new float[] {1, 1, 1, 1, 1, 1, 1}), out,
                    ends.length));
            assertTrue(got[0] == 0 && got[1] == 0 && got[2] == 200 && got[4] == 1e30f && Float.isNaN(got[6]), kind + Arrays.toString(got));
            assertEquals(0, got[3], 1e-30);
        }
    }

    private static void activate(RowFunctions f, Activation kind, MemorySegment gate, MemorySegment up, MemorySegment out, int n) {
        switch (kind) {
            case SILU -> f.silu(gate.address(), up.address(), out.address(), n);
            case GELU_TANH -> f.gelu(gate.address(), up.address(), out.address(), n);
        }
    }

    @Test
    void sumsAreThoseOfPlainCode() {
        for (int n : LENGTHS) {
            for (float shift : new float[] {0, 500, -500}) {
                float[] x = random(n, 4);
                for (int i = 0; i < n; i++) {
                    x[i] += shift;
                }
                float max = x[0];
                for (float v : x) {
                    max = Math.max(max, v);
                }
                double sum = 0;
                for (float v : x) {
                    sum += Math.exp(v - max);
                }
                float[] got = results(3, (f, out) -> f.sums(store(x).address(), out.address(), n));
                assertEquals(max, got[0]);
                assertEquals(sum, got[1], 1e-6 * sum);
                assertTrue(Float.floatToRawIntBits(got[2]) <= Float.floatToRawIntBits(Float.POSITIVE_INFINITY));
                x[n / 2] = Float.NaN;
                float[] none = results(3, (f, out) -> f.sums(store(x).address(), out.address(), n));
                assertTrue(Float.isNaN(none[2]), "no number among " + n);
                Arrays.fill(x, Float.NEGATIVE_INFINITY);
                assertEquals(Float.NEGATIVE_INFINITY, results(3, (f, out) -> f.sums(store(x).address(), out.address(), n))[0]);
            }
        }
    }

    @Test
    void rotationsHaveTheBitsOfPlainCode() {
        for (Rope.Layout layout : Rope.Layout.values()) {
            for (int dim : new int[] {2, 6, 16, 30, 64, 70, 80, 128}) {
                for (int rotary : new int[] {2, dim / 4 * 2, dim}) {
                    for (int positions : new int[] {1, 16, 17}) {
                        if (rotary > 0 && rotary <= dim) {
                            rotations(layout, dim, rotary, positions);
                        }
                    }
                }
            }
        }
    }

    private void rotations(Rope.Layout layout, int dim, int rotary, int positions) {
        String what = layout + ", " + rotary + " of " + dim + " dimensions, pages of " + positions;
        int heads = 3;
        float[] x = random(heads * dim, 1);
        float[] values = random(heads * dim + 1, 1);
        float[] cos = random(rotary, 1);
        float[] sin = random(rotary + 1, 1);
        var want = new float[heads * dim];
        for (int h = 0; h < heads; h++) {
            float[] head = Arrays.copyOfRange(x, h * dim, (h + 1) * dim);
            new ScalarKernels().rotate(layout, head, rotary, cos, sin, 0);
            System.arraycopy(head, 0, want, h * dim, dim);
        }
        MemorySegment in = store(x);
        MemorySegment c = store(cos);
        MemorySegment s = store(sin);
        for (MachineKernels k : kernels) {
            RopeFunctions f = k.rope(new RopeShape(dim, rotary, layout == Rope.Layout.NEOX, positions)).orElseThrow();
            MemorySegment out = store(new float[heads * dim]);
            f.rotate(in.address(), out.address(), c.address(), s.address(), heads);
            assertArrayEquals(want, read(out, heads * dim), k.name() + " " + what);
            // Of the last position, as a page's last one may be the last of the memory.
            int at = positions - 1;
            var layoutOfPage = new KvLayout(DType.F32, dim, positions);
            int page = dim * positions;
            MemorySegment keys = store(new float[heads * page]);
            MemorySegment to = store(new float[heads * page]);
            f.store(in.address(), store(Arrays.copyOf(values, heads * dim)).address(), c.address(), s.address(), heads,
                    keys.address() + (long) at * Float.BYTES, to.address() + (long) at * dim * Float.BYTES, (long) page * Float.BYTES,
                    store(new float[dim]).address());
            MemorySegment wantKeys = store(new float[heads * page]);
            MemorySegment wantValues = store(new float[heads * page]);
            for (int h = 0; h < heads; h++) {
                layoutOfPage.storeKey(Arrays.copyOfRange(want, h * dim, (h + 1) * dim), wantKeys, (long) h * page * Float.BYTES, at);
                layoutOfPage.storeValue(Arrays.copyOfRange(values, h * dim, (h + 1) * dim), wantValues, (long) h * page * Float.BYTES, at);
            }
            assertArrayEquals(read(wantKeys, heads * page), read(keys, heads * page), k.name() + " " + what);
            assertArrayEquals(read(wantValues, heads * page), read(to, heads * page), k.name() + " " + what);
        }
    }
}
