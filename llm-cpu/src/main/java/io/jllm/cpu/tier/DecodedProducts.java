package io.jllm.cpu.tier;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.ProductTile;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.quant.Weights;
import java.util.Optional;

/**
 * Products of quantised weights by activations that are floats: some rows at a time become floats, once for all tokens of a step, which then
 * pass by as with weights in F32. So sums are those of the weights in F32, to the last bit.
 *
 * @param decoder makes the floats
 * @param floats multiplies them
 * @param packer rearranges what is stored; empty if no tier has products of the format
 */
record DecodedProducts(CpuKernels.Decoder decoder, PackedProducts floats, Optional<PackedProducts> packer) implements PackedProducts {
    /** Floats of the rows that are decoded at a time: half of a usual second-level cache. */
    private static final long PANEL_BYTES = 512 << 10;
    /** Tokens whose products are computed before they are put where they belong; whole groups. */
    private static final int TOKENS = 8 * BlockRows.GROUP;

    @Override
    public String name() {
        return floats.name();
    }

    @Override
    public TokenFormat tokens() {
        return floats.tokens();
    }

    @Override
    public void pack(PackedMatrix matrix, Weights stored, long first, int from, int to) {
        if (packer.isPresent()) {
            packer.get().pack(matrix, stored, first, from, to);
        } else {
            matrix.pack(stored, first, from, to);
        }
    }

    @Override
    public void arrange(Rows x, int row, BlockRows to, int first, int t, int count, Workspace ws) {
        floats.arrange(x, row, to, first, t, count, ws);
    }

    @Override
    public void linear(PackedMatrix w, int from, int to, BlockRows x, int first, int tokens, Target out, int outRow, Workspace ws) {
        int panel = panel(w.cols());
        for (int r = from; r < to; r += panel) {
            int rows = Math.min(panel, to - r);
            PackedMatrix decoded = decode(w, r, rows, ws);
            for (int t = 0; t < tokens; t += TOKENS) {
                int count = Math.min(TOKENS, tokens - t);
                Target sums = ws.decoded().target(count, rows, 0);
                floats.linear(decoded, 0, rows, x, first + t, count, sums, 0, ws);
                for (int i = 0; i < count; i++) {
                    out.put(w, r, rows, outRow + t + i, sums.rows(), i);
                }
            }
        }
    }

    private PackedMatrix decode(PackedMatrix w, int from, int rows, Workspace ws) {
        PackedMatrix to = ws.decoded().weights(rows, w.cols());
        for (int g = 0; g < to.groups(); g++) {
            decoder.decode(w, from / PackedMatrix.ROWS + g, to.data(), g * to.groupBytes(), ws);
        }
        return to;
    }

    /** Rows of a panel. */
    private static int panel(int cols) {
        return PackedMatrix.ROWS * (int) Math.clamp(PANEL_BYTES / WeightFormat.F32.groupBytes(cols), 1L, (long) ProductTile.ROWS / PackedMatrix.ROWS);
    }
}
