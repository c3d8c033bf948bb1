package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockModel;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Numbers;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.os.MachineCodeException;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/** Compares machine code with {@link BlockModel}, and with plain Java, before it is used: a wrong instruction shall not become a wrong answer. */
public final class MachineSelfTest {
    private static final int ROWS = 37;
    private static final int TOKENS = 15;
    /** Two whole units or more of every format. */
    private static final int PACKED_COLS = 512;
    private static final int BLOCK = 32;
    /** Without that bit of its exponent, in its second byte, a number in half precision is below 512. */
    private static final byte MODEST = ~0x20;
    /** What the power 0 is stored as, and below which number powers are small. */
    private static final int ONE = 128;
    private static final int POWERS = 8;
    private static final byte NIBBLE = 15;

    private MachineSelfTest() {
    }

    /**
     * Takes some milliseconds.
     *
     * @throws MachineCodeException if a result differs in any bit
     */
    static void run(MachineProducts products, WeightFormat format) {
        DType type = format.type();
        var random = new Random(1);
        int cols = type.isQuantized() ? format.unitColumns() + type.blockElements() : 75; // a whole unit, and a part of one
        try (Arena arena = Arena.ofConfined()) {
            comparePacked(products, format, random(arena, random, format, ROWS, PACKED_COLS), arena);
            Tensor stored = random(arena, random, format, ROWS, cols);
            PackedMatrix w = PackedMatrix.of(format, arena.allocate(format.bytes(ROWS, cols), 64), ROWS, cols);
            w.pack(stored, 0, 0, w.groups());
            MemorySegment bias = arena.allocate((ROWS + 15L) / 16 * 16 * Float.BYTES);
            var biases = new float[ROWS];
            for (int r = 0; r < ROWS; r++) {
                biases[r] = r;
            }
            MemorySegment.copy(biases, 0, bias, Rows.FLOAT, 0, ROWS);
            var x = new float[TOKENS][cols];
            var rows = new Rows(arena.allocate((long) TOKENS * cols * Float.BYTES), 0, cols);
            for (int t = 0; t < TOKENS; t++) {
                for (int i = 0; i < cols; i++) {
                    x[t][i] = t == 3 && i < BLOCK ? 0 : (float) random.nextGaussian();
                }
                MemorySegment.copy(x[t], 0, rows.data(), Rows.FLOAT, rows.row(t), cols);
            }
            var want = new float[TOKENS][ROWS];
            var arranged = Arrays.stream(x).map(BlockModel.Token::of).toArray(BlockModel.Token[]::new);
            for (int r = 0; r < ROWS; r++) {
                BlockModel row = BlockModel.of(format, stored, r);
                for (int t = 0; t < TOKENS; t++) {
                    want[t][r] = row.dot(arranged[t]) + r + t;
                }
            }
            var ws = new Workspace(arena, cols);
            for (int tokens : new int[] {1, 2, 3, 4, 5, 6, 7, TOKENS}) {
                compare(products, arena, w.withBias(bias), want, rows, tokens, ws);
            }
        }
    }

    /**
     * The same for floats of rearranged weights, against plain Java.
     *
     * @throws MachineCodeException if a float differs in any bit
     */
    static void run(MachineDecoder decoder, WeightFormat format) {
        // Two units, of which the second lacks a block if it can.
        int block = format.type().blockElements();
        int cols = 2 * format.unitColumns() - (block < format.unitColumns() ? block : 0);
        try (Arena arena = Arena.ofConfined()) {
            Tensor stored = random(arena, new Random(2), format, ROWS, cols);
            PackedMatrix w = PackedMatrix.of(format, arena.allocate(format.bytes(ROWS, cols), 64), ROWS, cols);
            w.pack(stored, 0, 0, w.groups());
            var ws = new Workspace(arena, cols);
            var want = new float[cols];
            MemorySegment got = arena.allocate(WeightFormat.F32.groupBytes(cols), 64);
            for (int r = 0; r < ROWS; r++) {
                if (r % PackedMatrix.ROWS == 0) {
                    decoder.decode(w, r / PackedMatrix.ROWS, got, 0, ws);
                }
                w.decode(r, want);
                for (int c = 0; c < cols; c++) {
                    float have = got.get(Rows.FLOAT, ((long) c * PackedMatrix.ROWS + r % PackedMatrix.ROWS) * Float.BYTES);
                    if (Float.floatToRawIntBits(want[c]) != Float.floatToRawIntBits(have)) {
                        throw new MachineCodeException("the self-test of floats of " + format + " failed: column " + c + " of row " + r + " is "
                                + have + ", should be " + want[c]);
                    }
                }
            }
        }
    }

    private static void comparePacked(MachineProducts products, WeightFormat format, Tensor stored, Arena arena) {
        long bytes = format.bytes(ROWS, PACKED_COLS);
        var want = PackedMatrix.of(format, arena.allocate(bytes, 64), ROWS, PACKED_COLS);
        var got = PackedMatrix.of(format, arena.allocate(bytes, 64), ROWS, PACKED_COLS);
        want.pack(stored, 0, 0, want.groups());
        products.pack(got, stored, 0, got.groups());
        long at = want.data().mismatch(got.data());
        if (at != -1) {
            throw new MachineCodeException("the self-test of " + format + " failed: rearranged weights differ at byte " + at);
        }
    }

    /** Weights of random bytes, with scales of a modest size. */
    public static Tensor random(Arena arena, Random random, WeightFormat format, int rows, int cols) {
        DType type = format.type();
        MemorySegment stored = arena.allocate(type.bytes((long) rows * cols), 64);
        var data = new byte[(int) stored.byteSize()]; // as an array: nothing is compiled yet, and a call for each number takes long
        random.nextBytes(data);
        int shared = Float.floatToRawIntBits((float) random.nextGaussian());
        for (int at = 0; at < data.length; at += type.blockBytes()) {
            switch (format.numbers()) {
                case Numbers.Integers _ -> {
                    for (int half : format.layout().halves()) {
                        data[at + half + 1] &= MODEST;
                    }
                    for (int power : format.layout().powers()) {
                        data[at + power] = (byte) (ONE + data[at + power] % POWERS);
                    }
                    for (int zero : format.layout().zeros()) {
                        data[at + zero] &= NIBBLE;
                    }
                    for (int factor : format.layout().factors()) {
                        put(data, at + factor, Float.BYTES, shared);
                    }
                    for (int whole : format.layout().floats()) {
                        put(data, at + whole, Float.BYTES, Float.floatToRawIntBits((float) random.nextGaussian()));
                    }
                }
                case Numbers.Floats.F16 -> put(data, at, Short.BYTES, Float.floatToFloat16((float) random.nextGaussian()));
                case Numbers.Floats.BF16 -> put(data, at, Short.BYTES, Float.floatToRawIntBits((float) random.nextGaussian()) >> Short.SIZE);
                case Numbers.Floats.F32 -> put(data, at, Float.BYTES, Float.floatToRawIntBits((float) random.nextGaussian()));
                case Numbers.EightBits _ -> {
                    put(data, at, Float.BYTES, Float.floatToRawIntBits((float) random.nextGaussian()));
                    for (int i = at + Float.BYTES; i < at + type.blockBytes(); i++) {
                        data[i] -= (byte) ((data[i] & Byte.MAX_VALUE) == Byte.MAX_VALUE ? 1 : 0); // which would be no number
                    }
                }
            }
        }
        MemorySegment.copy(data, 0, stored, Layout.BYTE, 0, data.length);
        return new Tensor("self-test", type, rows, cols, stored);
    }

    private static void put(byte[] data, int at, int bytes, int number) {
        for (int i = 0; i < bytes; i++) {
            data[at + i] = (byte) (number >> i * Byte.SIZE);
        }
    }

    private static void compare(MachineProducts products, Arena arena, PackedMatrix w, float[][] want, Rows rows,
                                int tokens, Workspace ws) {
        TokenFormat format = products.tokens();
        var x = new BlockRows(format, arena.allocate(format.bytes(tokens, w.cols()), 64), w.cols());
        for (int t = 0; t < tokens; t += BlockRows.GROUP) {
            products.arrange(rows, t, tokens, x, ws);
        }
        var out = new Rows(arena.allocate((long) tokens * (ROWS + 3) * Float.BYTES), 0, ROWS + 3);
        var row = new float[out.width()];
        for (int t = 0; t < tokens; t++) {
            Arrays.fill(row, t);
            MemorySegment.copy(row, 0, out.data(), Rows.FLOAT, out.row(t), row.length);
        }
        products.linear(w, 0, ROWS, x, tokens, new Target(out, 1, Optional.of(out)), ws);
        for (int t = 0; t < tokens; t++) {
            MemorySegment.copy(out.data(), Rows.FLOAT, out.row(t), row, 0, row.length);
            for (int i = 0; i < row.length; i++) {
                int r = i - 1;
                float should = r < 0 || r >= ROWS ? t : want[t][r];
                float got = row[i];
                if (Float.floatToRawIntBits(should) != Float.floatToRawIntBits(got)) {
                    throw new MachineCodeException("the self-test of " + w.format() + " failed: row " + r + " by token " + t + " of " + tokens
                            + " is " + got + ", should be " + should);
                }
            }
        }
    }
}
