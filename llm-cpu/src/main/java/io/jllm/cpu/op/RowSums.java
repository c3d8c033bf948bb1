package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.KvLayout;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.RowFunctions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * The highest logit of rows and the sum of their exponentials, piece by piece: the team shares pieces out, and what is computed from
 * them does not depend on who did. Memory grows to the most rows at once.
 */
public final class RowSums {
    /** Columns of a piece: a quarter of a first cache. */
    private static final int COLUMNS = 2048;
    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

    private final int vocab;
    private final int pieces;
    private final Kernels kernels;
    private final Optional<RowFunctions> functions;
    private float[] highest = {};
    private float[] sums = {};

    public RowSums(int vocab, KernelChoice kernels) {
        this.vocab = vocab;
        this.kernels = kernels.kernels();
        functions = kernels.machine().flatMap(MachineKernels::rows);
        pieces = Math.ceilDiv(vocab, COLUMNS);
    }

    /** Pieces of a row. */
    public int pieces() {
        return pieces;
    }

    /** Makes room for so many rows. */
    public void reserve(int rows) {
        if (highest.length < rows * pieces) {
            highest = new float[rows * pieces];
            sums = new float[rows * pieces];
        }
    }

    /**
     * Computes one piece.
     *
     * @param r which of the rows that there is room for
     * @param row where it is among {@code logits}
     */
    public void compute(Rows logits, int row, int r, int piece, Workspace ws) {
        int first = piece * COLUMNS;
        int n = Math.min(COLUMNS, vocab - first);
        if (functions.isPresent()) {
            compute(functions.get(), logits.data().address() + logits.row(row) + (long) first * Float.BYTES, n, r * pieces + piece, ws.row());
            return;
        }
        float[] x = ws.scores(COLUMNS + KvLayout.SLACK / Float.BYTES);
        MemorySegment.copy(logits.data(), Rows.FLOAT, logits.row(row) + (long) first * Float.BYTES, x, 0, n);
        float max = kernels.largest(x, 0, n, 0, ws);
        highest[r * pieces + piece] = max;
        sums[r * pieces + piece] = Float.isInfinite(max) || Float.isNaN(max) ? 0 : kernels.exponentials(x, 0, n, max, ws);
    }

    private void compute(RowFunctions machine, long logits, int n, int at, MemorySegment results) {
        machine.sums(logits, results.address(), n);
        float max = results.get(Rows.FLOAT, 0);
        boolean number = results.get(ValueLayout.JAVA_INT, RowFunctions.MAGNITUDE_AT) <= INFINITY;
        highest[at] = number ? max : Float.NaN;
        sums[at] = number && Float.isFinite(max) ? results.get(Rows.FLOAT, RowFunctions.SUM_AT) : 0;
    }

    /** The highest logit of a row; NaN if any is. */
    public float highest(int r) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = r * pieces; i < (r + 1) * pieces; i++) {
            max = Math.max(max, highest[i]);
        }
        return max;
    }

    /** As {@link io.jllm.sampling.SamplerChain#logSumExp} of a row, to about six digits. */
    public double logSumExp(int r, float max) {
        if (Float.isNaN(max) || Float.isInfinite(max)) {
            return max;
        }
        double sum = 0;
        for (int i = r * pieces; i < (r + 1) * pieces; i++) {
            sum += sums[i] * StrictMath.exp((double) highest[i] - max);
        }
        return max + StrictMath.log(sum);
    }

    /** The first token of a row with a logit, which must be its highest and a number. */
    public int first(Rows logits, int row, int r, float max) {
        int piece = 0;
        while (highest[r * pieces + piece] != max) {
            piece++;
        }
        int id = piece * COLUMNS;
        while (logits.data().get(Rows.FLOAT, logits.row(row) + (long) id * Float.BYTES) != max) {
            id++;
        }
        return id;
    }

    /** Bytes it holds. */
    public long bytes() {
        return 2L * Float.BYTES * highest.length;
    }
}
