package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.ThinProducts;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Numbers.Floats;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.ThinColumns;
import io.jllm.cpu.layout.ThinRows;
import io.jllm.cpu.os.MachineCodeException;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/** Compares products of low rank in machine code with plain Java before they are used. */
final class ThinSelfTest {
    /** Two runs of columns; two groups of the rank, of which the last is not full; five groups of outputs and a part of one. */
    private static final int INPUTS = 64;
    private static final int RANK = 7;
    private static final int OUTPUTS = 87;
    private static final int TOKENS = 3;
    private static final float FACTOR = 0.75f;
    private static final float TOLERANCE = 2e-5f;

    private ThinSelfTest() {
    }

    /**
     * Takes about a millisecond.
     *
     * @throws MachineCodeException if a result is off by more than rounding explains
     */
    static void run(ThinFunctions functions) {
        for (Floats numbers : Floats.values()) {
            try (Arena arena = Arena.ofConfined()) {
                run(new MachineThin(functions, ThinProducts.PLAIN), numbers, arena);
            }
        }
    }

    private static void run(MachineThin machine, Floats numbers, Arena arena) {
        var random = new Random(1);
        var ws = new Workspace(arena, INPUTS);
        ThinRows a = ThinRows.of(weights(numbers, RANK, INPUTS, random, arena), arena);
        ThinColumns b = ThinColumns.of(weights(numbers, OUTPUTS, RANK, random, arena), arena);
        Rows x = rows(TOKENS, INPUTS, random, arena);
        Rows[] thin = new Rows[2];
        Rows[] out = new Rows[2];
        for (int i = 0; i < thin.length; i++) {
            ThinProducts products = i == 0 ? ThinProducts.PLAIN : machine;
            thin[i] = rows(TOKENS, ThinRows.whole(RANK), new Random(2), arena);
            out[i] = rows(TOKENS, OUTPUTS, new Random(3), arena);
            products.down(a, x, 0, TOKENS, FACTOR, thin[i], ws);
            products.up(b, 0, OUTPUTS, thin[i], 0, TOKENS, out[i], 0, 0, b);
        }
        compare("a product of few rows in " + numbers, thin[0], thin[1]);
        compare("a product of few columns in " + numbers, out[0], out[1]);
    }

    /** Numbers that nothing shorter than that holds exactly. */
    private static Tensor weights(Floats numbers, int rows, int cols, Random random, Arena arena) {
        Rows all = rows(rows, cols, random, arena);
        for (long at = 0; at < all.data().byteSize(); at += Float.BYTES) {
            float w = all.data().get(Rows.FLOAT, at);
            all.data().set(Rows.FLOAT, at, switch (numbers) {
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(w));
                case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(w) & 0xffff0000);
                case F32 -> w;
            });
        }
        return new Tensor("test", DType.F32, rows, cols, all.data());
    }

    private static Rows rows(int count, int width, Random random, Arena arena) {
        MemorySegment data = arena.allocate((long) count * width * Float.BYTES, Float.BYTES);
        for (long at = 0; at < data.byteSize(); at += Float.BYTES) {
            data.set(Rows.FLOAT, at, random.nextFloat() * 2 - 1);
        }
        return new Rows(data, 0, width);
    }

    private static void compare(String what, Rows want, Rows got) {
        for (long at = 0; at < want.data().byteSize(); at += Float.BYTES) {
            float w = want.data().get(Rows.FLOAT, at);
            float g = got.data().get(Rows.FLOAT, at);
            if (!(Math.abs(w - g) <= TOLERANCE * (1 + Math.abs(w)))) {
                throw new MachineCodeException("the self-test of " + what + " failed: number " + at / Float.BYTES + " is " + g + ", should be " + w);
            }
        }
    }
}
