package io.jllm.cpu.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.cpu.layout.BlockModel;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.MachineSelfTest;
import io.jllm.cpu.machine.MachineTier;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.vector.VectorKernels;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A new format takes a codec, a layout and a row of the table: here are those of one that nobody has, by which every tier multiplies without
 * knowing of it.
 */
class MadeUpFormatTest {
    private static final int BLOCK = 32;
    private static final int BITS_AT = 16;
    private static final int POWER_AT = 20;
    /** The row. The type is one of 22 bytes for 32 values; its own codec is not asked. */
    private static final WeightFormat FORMAT = new WeightFormat(DType.Q5_0, new Integers(new Planes(1, 16, true), Scales.POWERS),
            new NeighboursLayout());

    /**
     * 32 values of 5 bits: nibbles of neighbours in pairs, then their fifth bits in order, then a power e, then a byte of no use; the value is
     * (q - 16) 2^(e - 128).
     */
    private record Neighbours() implements Codec {
        @Override
        public DType type() {
            return DType.Q5_0;
        }

        @Override
        public void decode(MemorySegment src, long offset, float[] dst, int at, int count) {
            for (int i = 0; i < count; i++) {
                byte[] block = src.asSlice(offset + i / BLOCK * DType.Q5_0.blockBytes(), DType.Q5_0.blockBytes()).toArray(ValueLayout.JAVA_BYTE);
                dst[at + i] = (value(block, 0, i % BLOCK) - 16) * power(block[POWER_AT]);
            }
        }
    }

    private static float power(int e) {
        return (float) Math.pow(2, (e & 0xff) - 128);
    }

    private static int value(byte[] stored, int at, int i) {
        return stored[at + i / 2] >> i % 2 * 4 & 15 | (stored[at + BITS_AT + i / 8] >> i % 8 & 1) << 4;
    }

    /** Takes its blocks apart. */
    private static final class NeighboursLayout extends Layout {
        private static final int HEADER = 4;
        private static final int RECORD = 5 * Integer.BYTES;
        private static final int[] FIFTH = {0, 1, 4, 5, 2, 3, 6, 7};

        @Override
        public List<Integer> halves() {
            return List.of();
        }

        @Override
        public List<Integer> powers() {
            return List.of(POWER_AT);
        }

        @Override
        protected void model(byte[] stored, int at, BlockModel to, int column) {
            to.scales()[column / BLOCK] = power(stored[at + POWER_AT]);
            for (int i = 0; i < BLOCK; i++) {
                to.values()[column + i] = value(stored, at, i) - 16;
            }
        }

        @Override
        protected void toRecord(byte[] stored, int at, int columns, byte[] record, int start) {
            put(record, start, 0);
            for (int b = 0; b < columns / BLOCK; b++) {
                int block = at + b * DType.Q5_0.blockBytes();
                int to = start + HEADER + b * RECORD;
                record[start + b] = stored[block + POWER_AT];
                Arrays.fill(record, to, to + RECORD, (byte) 0);
                for (int i = 0; i < BLOCK; i++) {
                    int q = value(stored, block, i);
                    record[to + i % 16] |= (byte) ((q & 15) << i / 16 * 4);
                    record[to + BITS_AT + i % 4] |= (byte) (q >> 4 << bit(i / 4));
                }
            }
        }

        /** Which bit of a byte the fifth bits of four columns are. */
        private static int bit(int four) {
            int bit = 0;
            while (FIFTH[bit] != four) {
                bit++;
            }
            return bit;
        }

        @Override
        public void decode(MemorySegment data, long unit, int row, int columns, float[] to, int at) {
            for (int i = 0; i < columns; i++) {
                int block = HEADER + i / BLOCK * RECORD;
                int c = i % BLOCK;
                int nibble = word(data, unit, row, block + c % 16 / 4 * 4) >>> c % 4 * 8 + c / 16 * 4 & 15;
                int fifth = word(data, unit, row, block + BITS_AT) >>> c % 4 * 8 + bit(c / 4) & 1;
                to[at + i] = ((nibble | fifth << 4) - 16) * power(signedByte(data, unit, row, i / BLOCK));
            }
        }
    }

    private static List<CpuKernels> tiers() {
        var all = new ArrayList<CpuKernels>(List.of(new ScalarKernels(), new VectorKernels()));
        for (Isa isa : Isa.values()) {
            MachineKernels.of(isa).ifPresent(m -> all.add(new MachineTier(m, new ScalarKernels())));
        }
        return all;
    }

    private static Rows tokens(Arena arena, Random random, int count, int cols) {
        var x = new Rows(arena.allocate((long) count * cols * Float.BYTES), 0, cols);
        for (long i = 0; i < (long) count * cols; i++) {
            x.data().set(Rows.FLOAT, i * Float.BYTES, (float) random.nextGaussian());
        }
        return x;
    }

    @Test
    void everyTierMultipliesByIt() {
        var random = new Random(1);
        for (int cols : new int[] {32, 96, 608}) {
            for (int rows : new int[] {1, 16, 53}) {
                try (Arena arena = Arena.ofConfined()) {
                    Tensor t = MachineSelfTest.random(arena, random, FORMAT, rows, cols);
                    Rows x = tokens(arena, random, 21, cols);
                    for (CpuKernels kernels : tiers()) {
                        asStored(kernels, t, x, arena);
                        kernels.packed(FORMAT).ifPresent(p -> {
                            assertEquals(kernels.name(), p.name());
                            packed(p, t, x, arena);
                        });
                    }
                }
            }
        }
        assertEquals(tiers().size() - 1, tiers().stream().filter(k -> k.packed(FORMAT).isPresent()).count(), "all but plain Java rearrange it");
    }

    private static void asStored(CpuKernels kernels, Tensor t, Rows x, Arena arena) {
        int rows = (int) t.rows();
        int cols = (int) t.cols();
        var w = new StoredMatrix(new Neighbours(), t.data(), rows, cols, t.rowBytes(), new float[0]);
        var out = new Rows(arena.allocate(21L * rows * Float.BYTES), 0, rows);
        kernels.stored().linear(w, 0, rows, x, 21, new Target(out, 0, Optional.empty()), new Workspace(arena, cols));
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, row);
            for (int i = 0; i < 21; i++) {
                double want = 0;
                double size = 0;
                for (int c = 0; c < cols; c++) {
                    double product = (double) row[c] * x.data().get(Rows.FLOAT, x.row(i) + 4L * c);
                    want += product;
                    size += Math.abs(product);
                }
                assertEquals(want, out.data().get(Rows.FLOAT, out.row(i) + 4L * r), 1e-5 * size, kernels.name());
            }
        }
    }

    private static void packed(PackedProducts products, Tensor t, Rows x, Arena arena) {
        int rows = (int) t.rows();
        int cols = (int) t.cols();
        var ws = new Workspace(arena, cols);
        PackedMatrix w = PackedMatrix.of(FORMAT, arena.allocate(FORMAT.bytes(rows, cols), 64), rows, cols);
        products.pack(w, t, 0, w.groups());
        var got = new float[cols];
        var want = new float[cols];
        for (int r = 0; r < rows; r++) {
            w.decode(r, got);
            new Neighbours().decode(t.data(), r * t.rowBytes(), want, 0, cols);
            assertArrayEquals(want, got, products.name());
        }
        for (int tokens : new int[] {1, 2, 4, 7, 8, 21}) {
            var arranged = new BlockRows(products.tokens(), arena.allocate(products.tokens().bytes(tokens, cols), 64), cols);
            for (int i = 0; i < tokens; i += BlockRows.GROUP) {
                products.arrange(x, i, tokens, arranged, ws);
            }
            var out = new Rows(arena.allocate((long) tokens * rows * Float.BYTES), 0, rows);
            products.linear(w, 0, rows, arranged, tokens, new Target(out, 0, Optional.empty()), ws);
            for (int i = 0; i < tokens; i++) {
                var token = new float[cols];
                MemorySegment.copy(x.data(), Rows.FLOAT, x.row(i), token, 0, cols);
                for (int r = 0; r < rows; r++) {
                    assertEquals(BlockModel.of(FORMAT, t, r).dot(token), out.data().get(Rows.FLOAT, out.row(i) + 4L * r),
                            products.name() + ", row " + r + ", token " + i + " of " + tokens);
                }
            }
        }
    }
}
