package io.jllm.cpu.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.layout.BlockModel;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.MachineSelfTest;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Products of rearranged weights, for every format, against the exact model of their arithmetic, bit by bit, and against products of
 * floats within what 8 bits allow.
 */
public abstract class PackedContract {
    private static final int BLOCK = 32;

    private final Random random = new Random(3);
    private Arena arena = Arena.ofConfined();

    @AfterEach
    void close() {
        arena.close();
    }

    /** What is tested. */
    protected abstract List<CpuKernels> kernels();

    private void everywhere(BiConsumer<PackedProducts, DType> test) {
        for (CpuKernels kernels : kernels()) {
            for (DType type : WeightFormat.types()) {
                PackedProducts products = WeightFormat.of(type).flatMap(kernels::packed).orElseThrow();
                assertEquals(kernels.name(), products.name(), () -> type + " is left to others");
                test.accept(products, type);
                arena.close();
                arena = Arena.ofConfined();
            }
        }
    }

    /** A number of columns that the format can have, not below the wanted one. */
    protected static int cols(DType type, int wanted) {
        return Math.ceilDiv(wanted, type.blockElements()) * type.blockElements();
    }

    protected Tensor weights(DType type, int rows, int cols) {
        return MachineSelfTest.random(arena, random, WeightFormat.of(type).orElseThrow(), rows, cols);
    }

    protected PackedMatrix pack(Tensor t) {
        var format = WeightFormat.of(t).orElseThrow();
        var w = PackedMatrix.of(format, arena.allocate(format.bytes(t.rows(), t.cols()), 64), (int) t.rows(), (int) t.cols());
        w.pack(t, 0, 0, w.groups());
        return w;
    }

    private Rows rows(float[][] x) {
        var rows = new Rows(arena.allocate((long) x.length * x[0].length * Float.BYTES), 0, x[0].length);
        for (int t = 0; t < x.length; t++) {
            MemorySegment.copy(x[t], 0, rows.data(), Rows.FLOAT, rows.row(t), x[t].length);
        }
        return rows;
    }

    private BlockRows arrange(PackedProducts kernels, float[][] x) {
        Rows rows = rows(x);
        TokenFormat format = kernels.tokens();
        var arranged = new BlockRows(format, arena.allocate(format.bytes(x.length, x[0].length), 64), x[0].length);
        arranged.data().fill((byte) -1);
        var workspace = new Workspace(arena, x[0].length);
        for (int t = 0; t < x.length; t += BlockRows.GROUP) {
            kernels.arrange(rows, t, x.length, arranged, workspace);
        }
        return arranged;
    }

    private float[][] gaussian(int tokens, int cols, float size) {
        var x = new float[tokens][cols];
        for (float[] row : x) {
            for (int i = 0; i < cols; i++) {
                row[i] = (float) random.nextGaussian() * size;
            }
        }
        return x;
    }

    protected static float[] decoded(Tensor t, int row) {
        var out = new float[(int) t.cols()];
        Codec.of(t.type()).orElseThrow().decode(t.data(), row * t.rowBytes(), out, 0, out.length);
        return out;
    }

    private static List<BlockModel> model(Tensor t) {
        return java.util.stream.IntStream.range(0, (int) t.rows()).mapToObj(r -> BlockModel.of(t, r)).toList();
    }

    protected static void same(float want, float got, String what) {
        assertEquals(Float.floatToIntBits(want), Float.floatToIntBits(got), () -> what + ": " + got + " instead of " + want);
    }

    @Test
    void everyBitOfEveryShape() {
        everywhere((kernels, type) -> {
            for (int rows : new int[] {1, 7, 15, 16, 17, 31, 32, 100}) {
                for (int cols : type.isQuantized() ? new int[] {32, 64, 96, 600} : new int[] {1, 31, 32, 33, 100}) {
                    shape(kernels, weights(type, rows, cols(type, cols)));
                }
            }
        });
    }

    @Test
    void rearrangesAsPlainJavaDoesAndNothingElse() {
        everywhere((kernels, type) -> {
            for (int rows : new int[] {1, 15, 16, 17, 32, 50}) {
                for (int cols : type.isQuantized() ? new int[] {32, 64, 96, 128, 544} : new int[] {1, 31, 32, 33, 64, 100}) {
                    Tensor t = weights(type, rows, cols(type, cols));
                    MemorySegment want = pack(t).data();
                    int groups = Math.ceilDiv(rows, PackedMatrix.ROWS);
                    for (int from = 0; from <= groups; from++) {
                        for (int to = from; to <= groups; to++) {
                            MemorySegment got = arena.allocate(want.byteSize(), 64);
                            kernels.pack(PackedMatrix.of(WeightFormat.of(type).orElseThrow(), got, rows, (int) t.cols()), t, from, to);
                            long group = want.byteSize() / groups;
                            assertEquals(-1, want.asSlice(from * group, (to - from) * group).mismatch(got.asSlice(from * group,
                                    (to - from) * group)));
                            assertEquals(-1, arena.allocate(from * group + 1).asSlice(0, from * group).mismatch(got.asSlice(0, from * group)));
                            assertEquals(-1, arena.allocate((groups - to) * group + 1).asSlice(0, (groups - to) * group)
                                    .mismatch(got.asSlice(to * group)));
                        }
                    }
                }
            }
        });
    }

    private void shape(PackedProducts kernels, Tensor t) {
        PackedMatrix w = pack(t);
        List<BlockModel> model = model(t);
        int rows = w.rows();
        float[][] all = gaussian(21, w.cols(), 3);
        var want = new float[all.length][rows];
        for (int i = 0; i < all.length; i++) {
            for (int r = 0; r < rows; r++) {
                want[i][r] = model.get(r).dot(all[i]);
            }
        }
        for (int tokens : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 21}) {
            float[][] x = java.util.Arrays.copyOf(all, tokens);
            var out = new Rows(arena.allocate((long) tokens * (rows + 2) * Float.BYTES), 0, rows + 2);
            kernels.linear(w, 0, rows, arrange(kernels, x), tokens, new Target(out, 1, Optional.empty()), new Workspace(arena, w.cols()));
            for (int i = 0; i < tokens; i++) {
            same(0, out.data().get(Rows.FLOAT, out.row(i)), "before row 0");
            same(0, out.data().get(Rows.FLOAT, out.row(i) + 4L * (rows + 1)), "behind the last row");
                for (int r = 0; r < rows; r++) {
                same(want[i][r], out.data().get(Rows.FLOAT, out.row(i) + 4L * (r + 1)),
                            kernels.name() + " " + t.type() + " " + rows + " x " + w.cols() + ", row " + r + ", token " + i + " of " + tokens);
                }
            }
        }
    }

    /** Long rows fill panels of one group; many rows of short ones, several panels. Few tokens may go another way than many. */
    @Test
    void everyBitAcrossPanelsAndPartsOfAMatrix() {
        everywhere((kernels, type) -> {
            for (int[] shape : new int[][] {{50, 16384}, {6000, cols(type, 64)}}) {
                Tensor t = weights(type, shape[0], shape[1]);
                PackedMatrix w = pack(t);
                for (int tokens : new int[] {3, 10}) {
                    parts(kernels, t, w, tokens);
                }
            }
        });
    }

    private void parts(PackedProducts kernels, Tensor t, PackedMatrix w, int tokens) {
        float[][] x = gaussian(tokens, w.cols(), 1);
        BlockRows arranged = arrange(kernels, x);
        var out = new Rows(arena.allocate((long) tokens * w.rows() * Float.BYTES), 0, w.rows());
        int part = w.rows() / 3 / 16 * 16;
        for (int from = 0; from < w.rows(); from += part) {
            kernels.linear(w, from, Math.min(w.rows(), from + part), arranged, tokens, new Target(out, 0, Optional.empty()),
                    new Workspace(arena, w.cols()));
        }
        for (int r = 0; r < w.rows(); r += Math.max(7, w.rows() / 50)) {
            BlockModel model = BlockModel.of(t, r);
            for (int i = 0; i < tokens; i += 2) {
            same(model.dot(x[i]), out.data().get(Rows.FLOAT, out.row(i) + 4L * r), t.type() + ", row " + r + ", token " + i + " of " + tokens);
            }
        }
    }

    /** Weights of a damaged file, and the smallest and largest ones: what is no number gives none, or something infinite. */
    @Test
    void floatsThatAreInfiniteNoNumbersOrTiny() {
        everywhere((kernels, type) -> {
            if (type.isQuantized()) {
                return;
            }
            float[] unusual = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN, 0x1p-24f, -0x1.8p-23f, 65504, -0f};
            Tensor t = weights(type, unusual.length, 40);
            for (int r = 0; r < unusual.length; r++) {
                long at = r * t.rowBytes() + 5L * type.blockBytes();
                switch (type) {
                    case F16 -> t.data().set(Layout.SHORT, at, Float.floatToFloat16(unusual[r]));
                    case BF16 -> t.data().set(Layout.SHORT, at, (short) (Float.floatToRawIntBits(unusual[r]) >> Short.SIZE));
                    default -> t.data().set(Rows.FLOAT, at, unusual[r]);
                }
            }
            float[][] x = gaussian(5, 40, 1);
            for (int tokens : new int[] {1, 5}) {
                var out = new Rows(arena.allocate(tokens * (long) unusual.length * Float.BYTES), 0, unusual.length);
                kernels.linear(pack(t), 0, unusual.length, arrange(kernels, java.util.Arrays.copyOf(x, tokens)), tokens,
                        new Target(out, 0, Optional.empty()), new Workspace(arena, 40));
                for (int i = 0; i < tokens * unusual.length; i++) {
                    int r = i % unusual.length;
                    float want = model(t).get(r).dot(x[i / unusual.length]);
                    float got = out.data().get(Rows.FLOAT, 4L * i);
                same(want, Float.isNaN(want) && !Float.isFinite(got) ? want : got, kernels.name() + " " + type + ", row " + r + " of " + tokens);
                }
            }
        });
    }

    /** Every 8-bit float with scales of all sizes, as products with 1 tell it; and what is none spoils the products of its row, and no others. */
    @Test
    void floatsOfEightBits() {
        float[] sizes = {1, -1.5f, 0x1p-126f, Float.MIN_VALUE, 3 * Float.MIN_VALUE, 0x1.fffffep-7f, Math.nextDown(256f), -255.5f, 0,
            Float.POSITIVE_INFINITY, 1e-3f, -7e-5f, 0.3f, 200, 1e-30f, 0x1p-140f, 2};
        int cols = 256;
        Tensor t = weights(DType.F8_64, sizes.length, cols);
        for (int r = 0; r < sizes.length; r++) {
            for (int c = 0; c < cols; c++) {
                long block = r * t.rowBytes() + c / 64 * 68L;
                int bits = c + r & 0xff;
                t.data().set(Rows.FLOAT, block, sizes[r]);
                t.data().set(Layout.BYTE, block + Float.BYTES + c % 64, (byte) ((bits & 0x7f) == 0x7f ? bits - 1 : bits));
            }
        }
        var x = new float[cols][cols];
        for (int c = 0; c < cols; c++) {
            x[c][c] = 1;
        }
        long odd = 3 * t.rowBytes() + 68 + Float.BYTES + 5;
        for (CpuKernels kernels : kernels()) {
            PackedProducts products = kernels.packed(WeightFormat.F8_64).orElseThrow();
            for (int step : new int[] {1, 2, 3, 8, 64}) {
                for (int from = 0; from < cols; from += step) {
                    float[][] some = java.util.Arrays.copyOfRange(x, from, Math.min(cols, from + step));
                    float[][] got = products(products, pack(t), some);
                    for (int i = 0; i < some.length; i++) {
                        for (int r = 0; r < sizes.length; r++) {
                            float want = sizes[r] == Float.POSITIVE_INFINITY ? Float.NaN : decoded(t, r)[from + i]; // infinity times 0
                            assertEquals(want, got[i][r], 0, kernels.name() + ", row " + r + ", column " + (from + i) + " of " + step);
                        }
                    }
                }
            }
            byte whole = t.data().get(Layout.BYTE, odd);
            for (byte none : new byte[] {0x7f, (byte) 0xff}) {
                t.data().set(Layout.BYTE, odd, none);
                float[][] got = products(products, pack(t), new float[][] {x[0], x[69]});
                for (int r = 0; r < sizes.length; r++) {
                    assertEquals(r == 3 || sizes[r] == Float.POSITIVE_INFINITY, Float.isNaN(got[0][r]), kernels.name() + ", row " + r);
                    assertEquals(r == 3 || sizes[r] == Float.POSITIVE_INFINITY, Float.isNaN(got[1][r]), kernels.name() + ", row " + r);
                }
            }
            t.data().set(Layout.BYTE, odd, whole);
        }
    }

    private float[][] products(PackedProducts kernels, PackedMatrix w, float[][] x) {
        var out = new Rows(arena.allocate((long) x.length * w.rows() * Float.BYTES), 0, w.rows());
        kernels.linear(w, 0, w.rows(), arrange(kernels, x), x.length, new Target(out, 0, Optional.empty()), new Workspace(arena, w.cols()));
        var all = new float[x.length][w.rows()];
        for (int i = 0; i < x.length; i++) {
            MemorySegment.copy(out.data(), Rows.FLOAT, out.row(i), all[i], 0, w.rows());
        }
        return all;
    }

    /** An activation is off by half a step, 1/254 of the largest of its block, at most: so a product is by the sum of |w| times that. */
    @Test
    void asNearToProductsOfFloatsAsEightBitsAllow() {
        everywhere((kernels, type) -> {
            int cols = cols(type, 1600);
            Numbers numbers = WeightFormat.of(type).orElseThrow().numbers();
            boolean bytes = numbers instanceof Numbers.Integers;
            boolean minima = numbers instanceof Numbers.Integers n && n.scales().minima();
            Tensor t = weights(type, 48, cols);
            PackedMatrix w = pack(t);
            float[][] x = gaussian(9, cols, 1);
            var out = new Rows(arena.allocate(9L * 48 * Float.BYTES), 0, 48);
            kernels.linear(w, 0, 48, arrange(kernels, x), 9, new Target(out, 0, Optional.empty()), new Workspace(arena, w.cols()));
            for (int i = 0; i < 9; i += 4) {
                for (int r = 0; r < 48; r++) {
                    float[] row = decoded(t, r);
                    double want = 0;
                    double bound = 0;
                    double size = 0;
                    for (int c = 0; c < cols; c++) {
                        want += (double) row[c] * x[i][c];
                        bound += bytes ? Math.abs(row[c]) * BlockModel.scale(x[i], c / BLOCK * BLOCK) / 2 : 0;
                        size += Math.abs((double) row[c] * x[i][c]);
                    }
                    // Each of the sums and products of floats rounds once, by 2^-24 of what has come together so far; a minimum is as
                    // much as 31 times its scale more than what is left when it is off.
                    int sums = bytes ? 4 * cols / BLOCK : cols;
                    bound += size * (minima ? 64 : 1) * (sums + 4) * 0x1p-24;
                    double got = out.data().get(Rows.FLOAT, out.row(i) + 4L * r);
                    assertEquals(want, got, bound, type + ", row " + r + ", token " + i);
                }
            }
        });
    }

    @Test
    void zerosTinyAndHugeNumbersAndWhatIsNone() {
        everywhere(this::unusual);
    }

    private void unusual(PackedProducts kernels, DType type) {
        int cols = cols(type, 64);
        Tensor t = weights(type, 16, cols);
        PackedMatrix w = pack(t);
        List<BlockModel> model = model(t);
        float[] sizes = {0, Float.MIN_VALUE, 1e-38f, 1e-30f, 65535.996f, 0x1p16f, 1e30f, Float.MAX_VALUE, Float.NaN, Float.POSITIVE_INFINITY,
                Float.NEGATIVE_INFINITY};
        for (float size : sizes) {
            float[][] x = gaussian(2, cols, 1);
            x[0] = new float[cols];
            x[0][5] = size;
            x[0][6] = -size / 3;
            x[1][40] = size;
            var out = new Rows(arena.allocate(2L * 16 * Float.BYTES), 0, 16);
            kernels.linear(w, 0, 16, arrange(kernels, x), 2, new Target(out, 0, Optional.empty()), new Workspace(arena, w.cols()));
            for (int i = 0; i < 2; i++) {
                for (int r = 0; r < 16; r++) {
                    float got = out.data().get(Rows.FLOAT, out.row(i) + 4L * r);
                same(model.get(r).dot(x[i]), got, kernels.name() + " " + type + " by " + size + ", row " + r);
                    assertTrue(Float.isFinite(size) || !Float.isFinite(got), () -> size + " gave " + got);
                }
            }
        }
    }

    /** The smallest powers are below the least normal float, and the largest is the format's own. */
    @Test
    void everyPowerOfTwoThatAScaleCanBe() {
        everywhere((kernels, type) -> {
            if (WeightFormat.of(type).orElseThrow().layout().powers().isEmpty()) {
                return;
            }
            int cols = 7 * BLOCK;
            Tensor t = weights(type, 256, cols);
            for (int r = 0; r < 256; r++) {
                for (int b = 0; b < cols / BLOCK; b++) {
                    t.data().set(Layout.BYTE, r * t.rowBytes() + (long) b * type.blockBytes(), (byte) r);
                }
            }
            PackedMatrix w = pack(t);
            List<BlockModel> model = model(t);
            var row = new float[cols];
            for (int r = 0; r < 256; r++) {
                w.decode(r, row);
                assertArrayEquals(decoded(t, r), row, "power " + r);
            }
            float[][] x = gaussian(9, cols, 0x1p-10f);
            for (int tokens : new int[] {1, 9}) {
                var out = new Rows(arena.allocate(tokens * 256L * Float.BYTES), 0, 256);
                kernels.linear(w, 0, 256, arrange(kernels, java.util.Arrays.copyOf(x, tokens)), tokens, new Target(out, 0, Optional.empty()),
                        new Workspace(arena, cols));
                for (int i = 0; i < tokens * 256; i++) {
                    same(model.get(i % 256).dot(x[i / 256]), out.data().get(Rows.FLOAT, 4L * i), kernels.name() + ", power " + i % 256);
                }
            }
        });
    }

    @Test
    void biasAndResidualInPlaceAndElsewhere() {
        everywhere(this::biasAndResidual);
    }

    private void biasAndResidual(PackedProducts kernels, DType type) {
        int rows = 37;
        int cols = cols(type, 64);
        Tensor t = weights(type, rows, cols);
        List<BlockModel> model = model(t);
        MemorySegment bias = arena.allocate(48L * Float.BYTES);
        for (int r = 0; r < rows; r++) {
            bias.set(Rows.FLOAT, 4L * r, r * 0.5f);
        }
        PackedMatrix w = pack(t).withBias(bias);
        float[][] x = gaussian(11, cols, 1);
        BlockRows arranged = arrange(kernels, x);
        float[][] rest = gaussian(11, rows, 1);
        Rows elsewhere = rows(rest);
        Rows inPlace = rows(rest);
        var out = new Rows(arena.allocate(11L * rows * Float.BYTES), 0, rows);
        kernels.linear(w, 0, rows, arranged, 11, new Target(out, 0, Optional.of(elsewhere)), new Workspace(arena, w.cols()));
        kernels.linear(w, 0, rows, arranged, 11, new Target(inPlace, 0, Optional.of(inPlace)), new Workspace(arena, w.cols()));
        for (int i = 0; i < 11; i++) {
            for (int r = 0; r < rows; r++) {
                float want = model.get(r).dot(x[i]) + r * 0.5f + rest[i][r];
            same(want, out.data().get(Rows.FLOAT, out.row(i) + 4L * r), "row " + r);
            same(want, inPlace.data().get(Rows.FLOAT, inPlace.row(i) + 4L * r), "row " + r);
            }
        }
    }
}
