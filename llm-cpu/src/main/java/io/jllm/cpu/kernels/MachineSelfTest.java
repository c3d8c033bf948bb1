package io.jllm.cpu.kernels;

import io.jllm.cpu.machine.MachineCodeException;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;

/** Compares machine code with {@link BlockModel} before it is used: a wrong instruction shall not become a wrong answer. */
final class MachineSelfTest {
    private static final int ROWS = 37;
    private static final int COLS = 96;
    private static final int TOKENS = 15;
    private static final int BLOCK = 32;
    private static final int STORED_BYTES = 18;

    private MachineSelfTest() {
    }

    /**
     * Takes about a millisecond.
     *
     * @throws MachineCodeException if a result differs in any bit
     */
    static void run(MachineKernels kernels) {
        var random = new Random(1);
        try (Arena arena = Arena.ofConfined()) {
            var nibbles = new byte[ROWS][COLS];
            var scales = new float[ROWS][COLS / BLOCK];
            PackedMatrix w = matrix(arena, random, nibbles, scales);
            var x = new float[TOKENS][COLS];
            var rows = new Rows(arena.allocate((long) TOKENS * COLS * Float.BYTES), 0, COLS);
            for (int t = 0; t < TOKENS; t++) {
                for (int i = 0; i < COLS; i++) {
                    x[t][i] = t == 3 && i < BLOCK ? 0 : (float) random.nextGaussian();
                    rows.data().set(Rows.FLOAT, rows.row(t) + (long) i * Float.BYTES, x[t][i]);
                }
            }
            for (int tokens : new int[] {1, 2, 3, 4, 5, 6, 7, TOKENS}) {
                compare(kernels, arena, w, nibbles, scales, x, rows, tokens);
            }
        }
    }

    private static PackedMatrix matrix(Arena arena, Random random, byte[][] nibbles, float[][] scales) {
        MemorySegment stored = arena.allocate((long) ROWS * COLS / BLOCK * STORED_BYTES);
        for (int r = 0; r < ROWS; r++) {
            for (int b = 0; b < COLS / BLOCK; b++) {
                long at = (long) (r * (COLS / BLOCK) + b) * STORED_BYTES;
                short scale = Float.floatToFloat16((float) random.nextGaussian());
                stored.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, scale);
                scales[r][b] = Float.float16ToFloat(scale);
                for (int i = 0; i < BLOCK / 2; i++) {
                    int pair = random.nextInt(256);
                    stored.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) pair);
                    nibbles[r][b * BLOCK + i] = (byte) (pair & 15);
                    nibbles[r][b * BLOCK + BLOCK / 2 + i] = (byte) (pair >> 4);
                }
            }
        }
        MemorySegment bias = arena.allocate((ROWS + 15L) / 16 * 16 * Float.BYTES);
        for (int r = 0; r < ROWS; r++) {
            bias.set(Rows.FLOAT, (long) r * Float.BYTES, r);
        }
        var w = new PackedMatrix(arena.allocate(PackedMatrix.bytes(ROWS, COLS), 64), ROWS, COLS, bias);
        w.pack(new Tensor("self-test", DType.Q4_0, ROWS, COLS, stored), 0, w.groups());
        return w;
    }

    private static void compare(MachineKernels kernels, Arena arena, PackedMatrix w, byte[][] nibbles, float[][] scales, float[][] x, Rows rows,
                                int tokens) {
        var quantized = new BlockRows(arena.allocate(BlockRows.bytes(tokens, COLS)), COLS);
        for (int t = 0; t < tokens; t += BlockRows.GROUP) {
            kernels.quantize(rows, t, tokens, quantized);
        }
        var out = new Rows(arena.allocate((long) tokens * (ROWS + 3) * Float.BYTES), 0, ROWS + 3);
        for (int t = 0; t < tokens; t++) {
            for (int i = 0; i < out.width(); i++) {
                out.data().set(Rows.FLOAT, out.row(t) + (long) i * Float.BYTES, t);
            }
        }
        kernels.linear(w, 0, ROWS, quantized, tokens, new Target(out, 1, Optional.of(out)));
        for (int t = 0; t < tokens; t++) {
            for (int i = 0; i < out.width(); i++) {
                int r = i - 1;
                float want = r < 0 || r >= ROWS ? t : BlockModel.dot(nibbles[r], scales[r], x[t]) + r + t;
                float got = out.data().get(Rows.FLOAT, out.row(t) + (long) i * Float.BYTES);
                if (Float.floatToRawIntBits(want) != Float.floatToRawIntBits(got)) {
                    throw new MachineCodeException("the self-test failed: row " + r + " by token " + t + " of " + tokens + " is " + got
                            + ", should be " + want);
                }
            }
        }
    }
}
