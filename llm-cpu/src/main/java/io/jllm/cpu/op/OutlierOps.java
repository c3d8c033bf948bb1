package io.jllm.cpu.op;

import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Layout;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import io.jllm.model.Value;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Products of LLM.int8(): inputs of which some row of the step has an activation of at least a threshold, the outliers, meet their weights as
 * floats; all others are rounded to half precision, as bitsandbytes does, then to 8 bits by one scale for each row, and meet weights as they are
 * stored. What is an outlier depends on the rows that are computed together, so here, and nowhere else, results may depend on a request's
 * neighbours. Source: Dettmers et al., LLM.int8(), 2022.
 */
final class OutlierOps {
    private static final int GROUP = BlockRows.GROUP;
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final int ROWS = WeightFormat.ROWS;
    private static final float LIMIT = 127;
    private static final int SIGN = 128;
    /** Rows of a matrix that are an iteration. */
    private static final int PIECE = 256;

    private OutlierOps() {
    }

    /** To half precision, but for what is too large for it. */
    private static float half(float x) {
        float half = Float.float16ToFloat(Float.floatToFloat16(x));
        return Float.isInfinite(half) ? x : half;
    }

    /** The outliers of a step's rows: found by all threads, then put in order by one. */
    static final class Columns {
        private final Rows in;
        private final Value.Rows kind;
        private final float threshold;
        private final boolean[] marked;
        private final int[] columns;
        private int count;

        Columns(Rows in, Value.Rows kind, float threshold) {
            this.in = in;
            this.kind = kind;
            this.threshold = threshold;
            marked = new boolean[in.width()];
            columns = new int[in.width()];
        }

        private int rows(StepBatch b) {
            return RowOps.rows(kind, b);
        }

        /** A row, in half precision. */
        private float[] row(int r, Workspace ws) {
            float[] x = ws.head(in.width());
            MemorySegment.copy(in.data(), Rows.FLOAT, in.row(r), x, 0, in.width());
            for (int c = 0; c < in.width(); c++) {
                x[c] = half(x[c]);
            }
            return x;
        }
    }

    /** Marks outliers. An iteration is a group of rows. */
    record Find(Columns found) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return Math.ceilDiv(found.rows(b), GROUP);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            for (int r = task * GROUP; r < Math.min(found.rows(b), (task + 1) * GROUP); r++) {
                float[] x = found.row(r, ws);
                for (int c = 0; c < found.marked.length; c++) {
                    if (Math.abs(x[c]) >= found.threshold) {
                        found.marked[c] = true; // by whichever thread
                    }
                }
            }
        }
    }

    /** Lists outliers, and forgets the marks. */
    record Collect(Columns found) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return Math.min(1, found.rows(b));
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            found.count = 0;
            for (int c = 0; c < found.marked.length; c++) {
                if (found.marked[c]) {
                    found.columns[found.count++] = c;
                }
            }
            Arrays.fill(found.marked, false);
        }
    }

    /** Rounds all other activations, those of a row by one scale. An iteration is a group of rows. */
    record Arrange(Columns found, BlockRows out) implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return Math.ceilDiv(found.rows(b), GROUP);
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            int first = task * GROUP;
            int count = BlockRows.size(first, found.rows(b));
            for (int t = 0; t < count; t++) {
                float[] x = found.row(first + t, ws);
                float largest = largest(x);
                for (int i = 0; i < found.count; i++) {
                    x[found.columns[i]] = 0;
                }
                write(x, largest, first, t, count);
            }
        }

        /** The largest magnitude below the threshold, of outliers too; what is no number counts as larger than any. */
        private float largest(float[] x) {
            int bits = 0;
            for (int c = 0; c < out.cols(); c++) {
                bits = Math.max(bits, Math.abs(x[c]) >= found.threshold ? 0 : Float.floatToRawIntBits(x[c]) & Integer.MAX_VALUE);
            }
            return Float.intBitsToFloat(bits);
        }

        private void write(float[] x, float largest, int first, int t, int count) {
            int cols = out.cols();
            float scale = largest / LIMIT;
            float inverse = LIMIT / largest;
            boolean finite = Float.isFinite(inverse) && Float.isFinite(scale);
            for (int c = 0; c < cols; c++) {
                x[c] = finite ? (float) Math.rint(x[c] * inverse) : 0;
            }
            for (int c = 0; c < cols; c += BLOCK) {
                if (out.format() == TokenFormat.BYTES) {
                    bytes(x, c, scale, out.at(first) + (long) c / BLOCK * count * TokenFormat.BYTES.blockBytes(), t, count);
                } else {
                    long token = out.at(first + t);
                    MemorySegment.copy(x, c, out.data(), Rows.FLOAT, token + (long) c * Float.BYTES, BLOCK);
                    out.data().set(Rows.FLOAT, token + ((long) cols + c / BLOCK) * Float.BYTES, scale);
                }
            }
        }

        /** A block of {@link TokenFormat#BYTES}. */
        private void bytes(float[] x, int from, float scale, long block, int t, int count) {
            MemorySegment data = out.data();
            for (int i = 0; i < BLOCK; i++) {
                data.set(Layout.BYTE, block + (long) t * BLOCK + i, (byte) x[from + i]);
            }
            int first = sum(x, from);
            int second = sum(x, from + BLOCK / 2);
            long field = block + (long) t * Float.BYTES;
            data.set(Rows.FLOAT, field + (long) TokenFormat.SCALE * count, scale);
            data.set(Layout.INT, field + (long) TokenFormat.SUM * count, -TokenFormat.SUM_FACTOR * (first + second));
            data.set(Layout.INT, field + (long) TokenFormat.HALF_SUMS * count, -TokenFormat.SUM_FACTOR * first);
            data.set(Layout.INT, field + (long) (TokenFormat.HALF_SUMS + Integer.BYTES) * count, -TokenFormat.SUM_FACTOR * second);
            data.set(Rows.FLOAT, field + (long) TokenFormat.FLOAT_SUM * count, -(first + second));
        }

        /** The sum of half of a block. */
        private static int sum(float[] x, int from) {
            int sum = 0;
            for (int i = from; i < from + BLOCK / 2; i++) {
                sum += (int) x[i];
            }
            return sum;
        }
    }

    /** Adds the products of outliers to those of the rest. An iteration is some rows of a matrix, for all rows of the step. */
    static final class Add implements CompiledOp {
        /** Some rows of a matrix, whose results go to a column and those behind it. */
        private record Piece(PackedMatrix matrix, int from, int to, int column) {
        }

        private final Columns found;
        private final Rows out;
        private final Piece[] pieces;

        /**
         * Additions.
         *
         * @param matrices signed bytes, {@link WeightFormat#S8_64}
         * @param first where in a row of {@code out} the results of the first matrix start
         */
        Add(Columns found, Rows out, List<PackedMatrix> matrices, int first) {
            this.found = found;
            this.out = out;
            var list = new ArrayList<Piece>();
            int column = first;
            for (PackedMatrix m : matrices) {
                for (int r = 0; r < m.rows(); r += PIECE) {
                    list.add(new Piece(m, r, Math.min(m.rows(), r + PIECE), column + r));
                }
                column += m.rows();
            }
            pieces = list.toArray(Piece[]::new);
        }

        @Override
        public int tasks(StepBatch b) {
            return found.count == 0 || found.rows(b) == 0 ? 0 : pieces.length;
        }

        @Override
        public void run(StepBatch b, int task, Workspace ws) {
            Piece p = pieces[task];
            int n = found.count;
            int tokens = found.rows(b);
            float[] x = ws.parts(tokens * n);
            for (int t = 0; t < tokens; t++) {
                for (int i = 0; i < n; i++) {
                    x[t * n + i] = half(found.in.data().get(Rows.FLOAT, found.in.row(t) + (long) found.columns[i] * Float.BYTES));
                }
            }
            float[] w = ws.totals(n * ROWS);
            for (int r = p.from; r < p.to; r += ROWS) {
                weights(p.matrix, r / ROWS, w);
                int rows = Math.min(ROWS, p.to - r);
                for (int t = 0; t < tokens; t++) {
                    add(x, t * n, n, w, rows, out.row(t) + (long) (p.column + r - p.from) * Float.BYTES);
                }
            }
        }

        /** Weights of outliers, for each 16 rows. */
        private void weights(PackedMatrix m, int group, float[] to) {
            WeightFormat format = m.format();
            for (int i = 0; i < found.count; i++) {
                int block = found.columns[i] / BLOCK;
                int c = found.columns[i] % BLOCK;
                long unit = m.unit(group, block);
                long word = unit + format.blockAt(block % format.unitBlocks()) + (long) c / Integer.BYTES * WeightFormat.VECTOR + c % Integer.BYTES;
                for (int r = 0; r < ROWS; r++) {
                    int q = (m.data().get(Layout.BYTE, word + (long) r * Integer.BYTES) & 0xff) - SIGN;
                    to[i * ROWS + r] = half(q * m.data().get(Rows.FLOAT, unit + (long) r * Float.BYTES));
                }
            }
        }

        private void add(float[] x, int at, int n, float[] w, int rows, long to) {
            for (int r = 0; r < rows; r++) {
                float sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += x[at + i] * w[i * ROWS + r];
                }
                long place = to + (long) r * Float.BYTES;
                out.data().set(Rows.FLOAT, place, out.data().get(Rows.FLOAT, place) + sum);
            }
        }
    }
}
