package io.jllm.cpu.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.MachineTier;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.vector.VectorKernels;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products by matrices of low rank in every tier that runs here, against sums in double precision. */
class ThinProductsTest {
    private static final int TOKENS = 7;
    private static final float FACTOR = 0.5f;
    private static final double TOLERANCE = 2e-5;
    private static final float BEFORE = 3;

    private final Random random = new Random(7);
    private final Arena arena = Arena.ofConfined();
    private final Workspace ws = new Workspace(arena, 600);

    @AfterEach
    void close() {
        arena.close();
    }

    private static List<CpuKernels> tiers() {
        var all = new ArrayList<CpuKernels>(List.of(new ScalarKernels(), new VectorKernels()));
        for (Isa isa : Isa.values()) {
            MachineKernels.of(isa).ifPresent(m -> all.add(new MachineTier(m, new VectorKernels())));
        }
        return all;
    }

    private Rows rows(int count, int width, float value) {
        var rows = new Rows(arena.allocate((long) count * width * Float.BYTES, 64), 0, width);
        for (long at = 0; at < rows.data().byteSize(); at += Float.BYTES) {
            rows.data().set(Rows.FLOAT, at, value);
        }
        return rows;
    }

    private static float get(Rows rows, int row, int column) {
        return rows.data().get(Rows.FLOAT, rows.row(row) + (long) column * Float.BYTES);
    }

    /** Numbers of so few bits, some of them so small that half precision has no exponent for them, and zeros of either sign. */
    private Tensor weights(Floats numbers, int rows, int cols) {
        MemorySegment data = arena.allocate((long) rows * cols * Float.BYTES, 64);
        for (long at = 0; at < data.byteSize(); at += Float.BYTES) {
            float w = (float) (random.nextGaussian() * (random.nextInt(4) == 0 ? 1e-5 : 1)) * random.nextInt(8);
            data.set(Rows.FLOAT, at, switch (numbers) {
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(w));
                case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(w) & 0xffff0000);
                case F32 -> w;
            });
        }
        return new Tensor("test", DType.F32, rows, cols, data);
    }

    private Rows down(CpuKernels kernels, ThinRows w, Rows x, int first, int tokens) {
        Rows out = rows(TOKENS, ThinRows.whole(w.rows()), BEFORE);
        kernels.thin().down(w, x, first, tokens, FACTOR, out, ws);
        return out;
    }

    private Rows up(CpuKernels kernels, ThinColumns w, int from, int to, Rows thin, int tokens) {
        Rows out = rows(TOKENS + 1, w.rows() + 2, BEFORE);
        kernels.thin().up(w, from, to, thin, 0, tokens, out, 1, 1, w);
        return out;
    }

    @ParameterizedTest
    @CsvSource({"F32, 1, 32", "F32, 16, 512", "F32, 5, 77", "BF16, 3, 64", "BF16, 16, 512", "BF16, 8, 90", "F16, 1, 96", "F16, 16, 544",
        "F16, 7, 33"})
    void fewRows(Floats numbers, int rank, int inputs) {
        ThinRows w = ThinRows.of(weights(numbers, rank, inputs), arena);
        assertEquals(numbers, w.numbers());
        Rows x = rows(TOKENS, inputs, 0);
        for (long at = 0; at < x.data().byteSize(); at += Float.BYTES) {
            x.data().set(Rows.FLOAT, at, (float) random.nextGaussian());
        }
        for (CpuKernels kernels : tiers()) {
            Rows got = down(kernels, w, x, 0, TOKENS);
            for (int t = 0; t < TOKENS; t++) {
                Rows alone = down(kernels, w, x, t, 1);
                for (int r = 0; r < got.width(); r++) {
                    double want = 0;
                    double size = 0;
                    for (int c = 0; c < inputs && r < rank; c++) {
                        want += FACTOR * w.get(r, c) * get(x, t, c);
                        size += Math.abs(w.get(r, c) * get(x, t, c));
                    }
                    assertEquals(want, get(got, t, r), TOLERANCE * (1 + size), kernels.describe());
                    assertEquals(get(got, t, r), get(alone, t, r), kernels.describe());
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, 1, 16", "F32, 16, 200", "BF16, 16, 128", "BF16, 7, 43", "F16, 16, 144", "F16, 9, 67"})
    void fewColumns(Floats numbers, int rank, int outputs) {
        ThinColumns w = ThinColumns.of(weights(numbers, outputs, rank), arena);
        assertEquals(numbers, w.numbers());
        Rows thin = rows(TOKENS, ThinRows.whole(rank), 0);
        for (int t = 0; t < TOKENS; t++) {
            for (int c = 0; c < rank; c++) {
                thin.data().set(Rows.FLOAT, thin.row(t) + (long) c * Float.BYTES, (float) random.nextGaussian());
            }
        }
        int cut = outputs / 2 / ThinColumns.GROUP * ThinColumns.GROUP;
        for (CpuKernels kernels : tiers()) {
            Rows got = up(kernels, w, 0, outputs, thin, TOKENS);
            Rows lower = up(kernels, w, 0, cut, thin, 1);
            Rows upper = up(kernels, w, cut, outputs, thin, 1);
            for (int t = 0; t <= TOKENS; t++) {
                for (int i = 0; i < got.width(); i++) {
                    int r = i - 1;
                    boolean inside = t > 0 && r >= 0 && r < outputs;
                    double want = BEFORE;
                    double size = BEFORE;
                    for (int c = 0; inside && c < rank; c++) {
                        want += w.get(r, c) * get(thin, t - 1, c);
                        size += Math.abs(w.get(r, c) * get(thin, t - 1, c));
                    }
                    assertEquals(want, get(got, t, i), inside ? TOLERANCE * size : 0, kernels.describe());
                    if (t == 1) {
                        assertEquals(get(got, t, i), get(r < cut ? lower : upper, t, i), kernels.describe());
                    }
                }
            }
        }
    }

    /** Machine code gives the same bits with every instruction set. */
    @ParameterizedTest
    @CsvSource({"F32", "BF16", "F16"})
    void instructionSets(Floats numbers) {
        ThinRows a = ThinRows.of(weights(numbers, 16, 256), arena);
        ThinColumns b = ThinColumns.of(weights(numbers, 96, 16), arena);
        Rows x = rows(TOKENS, 256, 0.7f);
        List<CpuKernels> machine = tiers().subList(2, tiers().size());
        for (CpuKernels kernels : machine) {
            Rows want = down(machine.getFirst(), a, x, 0, TOKENS);
            Rows got = down(kernels, a, x, 0, TOKENS);
            assertEquals(-1, want.data().mismatch(got.data()), kernels.describe());
            assertEquals(-1, up(machine.getFirst(), b, 0, 96, want, TOKENS).data().mismatch(up(kernels, b, 0, 96, want, TOKENS).data()),
                    kernels.describe());
        }
    }
}
