package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.quant.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Products of one format in machine code: of block-quantised weights by activations of 8 bits, of floats by floats. Thread-safe. */
final class MachineProducts implements PackedProducts {
    /** Weights that are used for all tokens of a step before the next ones are touched: a part of a second-level cache. */
    private static final long PANEL_BYTES = 256 << 10;
    /** Groups that are computed together where rows wait for themselves: a panel is so many, or a multiple. */
    private static final int TOGETHER = 2;
    /** The smallest pages that files are mapped in. */
    private static final long PAGE = 4096;
    /** No byte is this. */
    private static final int NOTHING = Integer.MIN_VALUE;

    private final String name;
    private final MachineCode code;
    private final MachineCode.Product product;
    private final TokenFormat tokens;

    /** Writes the code. */
    MachineProducts(String name, MachineCode code, WeightFormat format) {
        this.name = name;
        this.code = code;
        product = code.product(format);
        tokens = format.tokens();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public TokenFormat tokens() {
        return tokens;
    }

    @Override
    public void pack(PackedMatrix matrix, Weights stored, long first, int from, int to) {
        int end = from;
        // Code for whole groups of whole units, if it is only a matter of places, straight from where they are stored.
        boolean whole = stored.cols() % matrix.format().unitColumns() == 0;
        int groups = code.packs(product) && whole ? Math.clamp(matrix.rows() / PackedMatrix.ROWS, from, to) - from : 0;
        if (groups > 0) {
            Optional<MemorySegment> rows = stored.slice(first + (long) from * PackedMatrix.ROWS, (long) groups * PackedMatrix.ROWS);
            if (rows.isPresent()) {
                end = from + groups;
                if (touch(rows.get()) != NOTHING) {
                    pack(matrix, rows.get().address(), stored.rowBytes(), from, end);
                }
            }
        }
        matrix.pack(stored, first, end, to);
    }

    /**
     * Reads of each page, since a file may have been cut short: Java throws an error where machine code would end the process. In compiled code
     * it comes a little later, at the latest where the thread asks the JVM for something.
     *
     * @return something that was read, so that no compiler leaves it out
     */
    private static int touch(MemorySegment rows) {
        int some = 0;
        for (long at = 0; at < rows.byteSize(); at += PAGE) {
            some |= rows.get(ValueLayout.JAVA_BYTE, at);
        }
        some |= rows.get(ValueLayout.JAVA_BYTE, rows.byteSize() - 1);
        Thread.yield();
        return some;
    }

    private void pack(PackedMatrix matrix, long rows, long rowBytes, int from, int to) {
        long units = matrix.blocks() / matrix.format().unitBlocks();
        for (int g = from; g < to; g++) {
            code.pack(product, rows + (long) (g - from) * PackedMatrix.ROWS * rowBytes, matrix.data().address() + g * matrix.groupBytes(), rowBytes,
                    units);
        }
    }

    @Override
    public void arrange(Rows x, int row, BlockRows to, int first, int t, int count, Workspace ws) {
        switch (to.format()) {
            case BYTES -> quantize(x, row, to, first, t, count);
            case FLOATS -> to.copy(x, row, first, t, count);
            case PAIRS, NUMBERS -> throw new IllegalArgumentException("machine code takes no " + to.format());
        }
    }

    private void quantize(Rows x, int row, BlockRows to, int first, int t, int count) {
        int blocks = to.cols() / TokenFormat.BLOCK;
        long group = to.address(first);
        code.quantize(x.data().address() + x.row(row), group + (long) t * TokenFormat.BLOCK,
                group + (long) count * TokenFormat.BLOCK + (long) t * Float.BYTES, blocks, (long) count * to.format().blockBytes(),
                (long) count * Float.BYTES);
    }

    @Override
    public void linear(PackedMatrix w, int from, int to, BlockRows x, int first, int tokens, Target out, int outRow, Workspace ws) {
        // Tokens of one group pass by once: all rows in one go, so that as many as can be are under way together.
        int panel = tokens <= BlockRows.GROUP ? Math.max(1, to - from)
                : (int) Math.max(1, PANEL_BYTES / w.groupBytes() / TOGETHER) * TOGETHER * PackedMatrix.ROWS;
        for (int r = from; r < to; r += panel) {
            int end = Math.min(to, r + panel);
            int whole = r + (end - r) / PackedMatrix.ROWS * PackedMatrix.ROWS;
            for (int t = 0; t < tokens; t += BlockRows.GROUP) {
                int count = BlockRows.size(t, tokens);
                if (whole > r) {
                    multiply(w, r, (whole - r) / PackedMatrix.ROWS, PackedMatrix.ROWS, x.address(first + t), count, out, outRow + t);
                }
                if (whole < end) {
                    multiply(w, whole, 1, end - whole, x.address(first + t), count, out, outRow + t);
                }
            }
        }
    }

    private void multiply(PackedMatrix w, int row, int groups, int rows, long x, int count, Target out, int outRow) {
        long at = (long) (out.column() + row) * Float.BYTES;
        Rows to = out.rows();
        code.multiply(product, count, w.data().address() + row / PackedMatrix.ROWS * w.groupBytes(), x,
                to.data().address() + to.row(outRow) + at, w.blocks(), groups, (long) to.width() * Float.BYTES,
                out.residual().isPresent() ? out.residual().get().data().address() + out.residual().get().row(outRow) + at : 0,
                w.bias().byteSize() == 0 ? 0 : w.bias().address() + (long) row * Float.BYTES, rows, w.groupBytes());
    }
}
