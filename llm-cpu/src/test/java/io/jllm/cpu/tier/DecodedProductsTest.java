package io.jllm.cpu.tier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.MachineSelfTest;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.spi.ActivationType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Floats of quantised weights are what the codec says, and their products those of the same weights in F32: in every tier, to the last bit. */
class DecodedProductsTest {
    private static final int[] TOKENS = {1, 2, 3, 8, 9, 64, 67};
    private static final int ROWS = 300;

    private final Random random = new Random(5);

    /** Tiers that have products of rearranged weights. */
    private static List<CpuKernels> tiers() {
        var all = new ArrayList<CpuKernels>();
        for (Isa isa : Isa.values()) {
            if (MachineKernels.of(isa).isPresent()) {
                all.add(KernelChoice.of(MachineKernels.of(isa).orElseThrow().name(), ActivationType.FLOAT).kernels());
            }
        }
        all.add(KernelChoice.of("vector", ActivationType.FLOAT).kernels());
        return all;
    }

    private static List<WeightFormat> quantised() {
        return WeightFormat.all().stream().filter(f -> f.type().isQuantized()).toList();
    }

    private static int cols(WeightFormat format, int wanted) {
        int block = format.type().blockElements();
        return Math.ceilDiv(wanted, block) * block;
    }

    private static PackedMatrix packed(Tensor t, CpuKernels kernels, Arena arena) {
        WeightFormat format = WeightFormat.of(t).orElseThrow();
        var w = PackedMatrix.of(format, arena.allocate(format.bytes(t.rows(), t.cols()), 64), (int) t.rows(), (int) t.cols());
        kernels.packed(format).orElseThrow().pack(w, t, 0, w.groups());
        return w;
    }

    private static float[] stored(Tensor t, int row) {
        var out = new float[(int) t.cols()];
        Codec.of(t.type()).orElseThrow().decode(t.data(), row * t.rowBytes(), out, 0, out.length);
        return out;
    }

    @Test
    void floatsAreTheCodecs() {
        for (CpuKernels kernels : tiers()) {
            for (WeightFormat format : quantised()) {
                for (int wanted : new int[] {32, 64, 96, 800}) {
                    try (Arena arena = Arena.ofConfined()) {
                        int cols = cols(format, wanted);
                        Tensor t = MachineSelfTest.random(arena, random, format, 37, cols);
                        PackedMatrix w = packed(t, kernels, arena);
                        MemorySegment to = arena.allocate(WeightFormat.F32.groupBytes(cols) + 64, 64);
                        for (int r = 0; r < 37; r++) {
                            kernels.decoder(format).decode(w, r / 16, to, 64, new Workspace(arena, cols));
                            float[] want = stored(t, r);
                            for (int c = 0; c < cols; c++) {
                                assertEquals(want[c], to.get(Rows.FLOAT, 64 + (c * 16L + r % 16) * 4), 0,
                                        kernels.name() + ", " + format + ": row " + r + ", column " + c);
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void productsAreThoseOfFloats() {
        for (CpuKernels kernels : tiers()) {
            for (WeightFormat format : quantised()) {
                for (int wanted : new int[] {32, 96, 1100}) {
                    try (Arena arena = Arena.ofConfined()) {
                        products(kernels, format, cols(format, wanted), arena);
                    }
                }
            }
        }
    }

    private void products(CpuKernels kernels, WeightFormat format, int cols, Arena arena) {
        PackedProducts products = kernels.packed(format).orElseThrow();
        PackedProducts floats = kernels.packed(WeightFormat.F32).orElseThrow();
        assertEquals(TokenFormat.FLOATS, products.tokens());
        Tensor t = MachineSelfTest.random(arena, random, format, ROWS, cols);
        MemorySegment bias = arena.allocate(Math.ceilDiv(ROWS, 16) * 64L, 64);
        for (int r = 0; r < ROWS; r++) {
            bias.set(Rows.FLOAT, r * 4L, (float) random.nextGaussian());
        }
        PackedMatrix plain = packed(t, kernels, arena);
        PackedMatrix reference = packed(decoded(t, arena), kernels, arena);
        int most = TOKENS[TOKENS.length - 1];
        var x = new Rows(arena.allocate(4L * most * cols, 64), 0, cols);
        for (long at = 0; at < x.data().byteSize(); at += 4) {
            x.data().set(Rows.FLOAT, at, (float) random.nextGaussian());
        }
        var ws = new Workspace(arena, cols);
        for (int tokens : TOKENS) {
            BlockRows arranged = arrange(products, x, tokens, arena, ws);
            for (boolean more : new boolean[] {false, true}) {
                PackedMatrix w = more ? plain.withBias(bias) : plain;
                Rows want = linear(floats, more ? reference.withBias(bias) : reference, 0, ROWS, arranged, tokens, more, arena, ws);
                Rows got = linear(products, w, 0, ROWS, arranged, tokens, more, arena, ws);
                String what = kernels.name() + ", " + format + ", " + cols + " columns, " + tokens + " tokens";
                assertEquals(-1, want.data().mismatch(got.data()), what);
                Rows part = linear(products, w, 32, 112, arranged, tokens, more, arena, ws);
                for (int token = 0; token < tokens; token++) {
                    for (int r = 32; r < 112; r++) {
                        assertEquals(want.data().get(Rows.FLOAT, want.row(token) + 4L * r), part.data().get(Rows.FLOAT, part.row(token) + 4L * r), 0,
                                what);
                    }
                }
            }
        }
    }

    /** The same weights in F32. */
    private static Tensor decoded(Tensor t, Arena arena) {
        MemorySegment data = arena.allocate(4 * t.rows() * t.cols(), 64);
        for (int r = 0; r < t.rows(); r++) {
            MemorySegment.copy(stored(t, r), 0, data, Rows.FLOAT, 4 * r * t.cols(), (int) t.cols());
        }
        return new Tensor("decoded", DType.F32, t.rows(), t.cols(), data);
    }

    private static BlockRows arrange(PackedProducts products, Rows x, int tokens, Arena arena, Workspace ws) {
        var to = new BlockRows(products.tokens(), arena.allocate(products.tokens().bytes(tokens, x.width()), 64), x.width());
        for (int t = 0; t < tokens; t += BlockRows.GROUP) {
            products.arrange(x, t, tokens, to, ws);
        }
        return to;
    }

    private static Rows linear(PackedProducts products, PackedMatrix w, int from, int to, BlockRows x, int tokens, boolean residual, Arena arena,
                               Workspace ws) {
        var out = new Rows(arena.allocate(4L * tokens * ROWS, 64), 0, ROWS);
        for (long at = 0; at < out.data().byteSize(); at += 4) {
            out.data().set(Rows.FLOAT, at, at % 97);
        }
        products.linear(w, from, to, x, tokens, new Target(out, 0, residual ? Optional.of(out) : Optional.empty()), ws);
        return out;
    }

    @Test
    void whatIsAskedForIsWhatIsSaid() {
        assertEquals(ActivationType.FLOAT, KernelChoice.of("auto", ActivationType.FLOAT).activations());
        assertEquals(ActivationType.INT8, KernelChoice.of("vector", ActivationType.INT8).activations());
        assertEquals(ActivationType.FLOAT, KernelChoice.of("scalar", ActivationType.AUTO).activations());
        String refused = assertThrows(IllegalArgumentException.class,
                () -> KernelChoice.of("scalar", ActivationType.INT8)).getMessage();
        assertTrue(refused.contains("scalar") && refused.contains("int8"), refused);
    }
}
