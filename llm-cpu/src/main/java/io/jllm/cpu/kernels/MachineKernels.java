package io.jllm.cpu.kernels;

import io.jllm.cpu.machine.MachineCode;
import io.jllm.cpu.machine.MachineCodeException;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Products of block-quantised weights, rearranged at load, by activations of 8 bits, in machine code. Thread-safe.
 *
 * <p><b>The order of summation</b>: for a row and a token, blocks of 32 columns are taken in order. Within one, the sum of
 * products of integers is exact; it becomes a float, which is multiplied by the product of both scales (rounded to float) and
 * added to the running sum, with one rounding. It depends on neither neighbours nor threads, so results do not either.
 */
public final class MachineKernels {
    /** Weights that are used for all tokens of a step before the next ones are touched: a part of a second-level cache. */
    private static final long PANEL_BYTES = 256 << 10;
    private static final int WHOLE_GROUP = (1 << MachineCode.ROWS) - 1;

    private final MachineCode code;

    private MachineKernels(MachineCode code) {
        this.code = code;
    }

    /** The kernels that run here, or why there are none. Asked once. */
    private static final class Holder {
        static final Optional<MachineKernels> KERNELS;
        static final String REASON;

        static {
            Optional<MachineKernels> kernels = Optional.empty();
            String reason = "";
            try {
                var made = new MachineKernels(MachineCode.avx512());
                MachineSelfTest.run(made);
                kernels = Optional.of(made);
            } catch (MachineCodeException e) {
                reason = e.getMessage();
            }
            KERNELS = kernels;
            REASON = reason;
        }
    }

    /** The kernels for AVX-512, after they passed their self-test; empty if they cannot run here. */
    public static Optional<MachineKernels> avx512() {
        return Holder.KERNELS;
    }

    /** Why there are none; empty if there are. */
    public static String whyNot() {
        return Holder.REASON;
    }

    /** As a user would name them. */
    public String name() {
        return "avx512";
    }

    /** Whether weights of that format are rearranged. */
    public boolean packs(DType type) {
        return type == DType.Q4_0;
    }

    /** The formats that are, in words. */
    public String formats() {
        return DType.Q4_0.name();
    }

    /** Zeroed memory for weights, which takes space when first written. */
    public MemorySegment allocate(Arena arena, long bytes) {
        return code.allocate(arena, bytes);
    }

    /** Says that pages of a file are not needed for now. */
    public void release(MemorySegment mapped) {
        code.release(mapped);
    }

    /** Quantises the group that starts with row {@code token}, of so many rows in all. */
    public void quantize(Rows x, int token, int tokens, BlockRows to) {
        int count = BlockRows.size(token, tokens);
        int blocks = to.cols() / MachineCode.BLOCK;
        long group = to.address(token);
        for (int t = 0; t < count; t++) {
            code.quantize(x.data().address() + x.row(token + t), group + (long) t * MachineCode.BLOCK,
                    group + (long) count * MachineCode.BLOCK + (long) t * Float.BYTES, blocks, (long) count * MachineCode.TOKEN_BYTES,
                    (long) count * Float.BYTES);
        }
    }

    /**
     * out[t][r] = (W x[t])[r] + bias[r] (+ residual[t][r]), for rows {@code from} (inclusive; a multiple of 16) to {@code to}
     * (exclusive; one too, or the last) and all tokens.
     */
    public void linear(PackedMatrix w, int from, int to, BlockRows x, int tokens, Target out) {
        int panel = (int) Math.max(1, PANEL_BYTES / w.groupBytes()) * MachineCode.ROWS;
        for (int r = from; r < to; r += panel) {
            int end = Math.min(to, r + panel);
            int whole = r + (end - r) / MachineCode.ROWS * MachineCode.ROWS;
            for (int t = 0; t < tokens; t += BlockRows.GROUP) {
                int count = BlockRows.size(t, tokens);
                if (whole > r) {
                    multiply(w, r, (whole - r) / MachineCode.ROWS, WHOLE_GROUP, x, t, count, out);
                }
                if (whole < end) {
                    multiply(w, whole, 1, (1 << end - whole) - 1, x, t, count, out);
                }
            }
        }
    }

    private void multiply(PackedMatrix w, int row, int groups, int mask, BlockRows x, int token, int count, Target out) {
        long at = (long) (out.column() + row) * Float.BYTES;
        Rows rows = out.rows();
        code.multiplyQ4(count, w.data().address() + row / MachineCode.ROWS * w.groupBytes(), x.address(token),
                rows.data().address() + rows.row(token) + at, w.blocks(), groups, (long) rows.width() * Float.BYTES,
                out.residual().isPresent() ? out.residual().get().data().address() + out.residual().get().row(token) + at : 0,
                w.bias().byteSize() == 0 ? 0 : w.bias().address() + (long) row * Float.BYTES, mask);
    }
}
