package io.jllm.cpu.machine;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.AttentionFrame;
import io.jllm.cpu.layout.attention.AttentionShape;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.os.MachineCodeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/** Compares attention in machine code with plain Java before it is used. */
final class AttentionSelfTest {
    /** Rows: a token each, that sees one position more than the one before. */
    private static final int ROWS = 11;
    private static final int PADDED = 12;
    /** The first token's position, in the second chunk of its sequence. */
    private static final int FIRST = MachineAttention.CHUNK + 14;
    /** Positions that a token sees, up to its own. */
    private static final int WINDOW = 21;
    private static final float SCALE = 0.3f;
    private static final float CAP = 1.5f;
    private static final double TOLERANCE = 1e-5;

    private AttentionSelfTest() {
    }

    /**
     * Takes about a millisecond.
     *
     * @throws MachineCodeException if a result is off by more than rounding explains
     */
    static void run(MachineAttention attention, KvLayout layout) {
        var random = new Random(1);
        int dim = layout.dim();
        int last = FIRST + ROWS - 1;
        int begin = FIRST - WINDOW + 1;
        try (Arena arena = Arena.ofConfined()) {
            int size = layout.positions();
            int firstPage = begin / size;
            int pages = last / size - firstPage + 1;
            MemorySegment memory = arena.allocate(2 * pages * layout.bytes() + KvLayout.SLACK, 64);
            var keys = new float[last + 1 - begin][dim];
            var values = new float[last + 1 - begin][dim];
            for (int p = begin; p <= last; p++) {
                long page = 2 * (p / size - firstPage) * layout.bytes();
                fill(random, keys[p - begin]);
                fill(random, values[p - begin]);
                layout.storeKey(keys[p - begin], memory, page, p % size);
                layout.storeValue(values[p - begin], memory, page + layout.bytes(), p % size);
                layout.value(memory, page + layout.bytes(), p % size, values[p - begin]);
                var one = new float[1];
                for (int d = 0; d < dim; d++) {
                    layout.keys(memory, page, d, p % size, 1, one);
                    keys[p - begin][d] = one[0];
                }
            }
            var queries = new float[ROWS][dim];
            MemorySegment q = arena.allocate((long) ROWS * dim * Float.BYTES);
            for (int r = 0; r < ROWS; r++) {
                fill(random, queries[r]);
                MemorySegment.copy(queries[r], 0, q, Rows.FLOAT, (long) r * dim * Float.BYTES, dim);
            }
            MemorySegment out = arena.allocate((long) (ROWS + 1) * dim * Float.BYTES);
            boolean capped = attention.shape().capped();
            AttentionFrame frame = attention.frame(PADDED, new AttentionFrame(arena));
            frame.cap(CAP);
            frame.query(0, ROWS, q, 0);
            for (int r = 0; r < ROWS; r++) {
                frame.range(r, 1, begin + r, FIRST + r);
                frame.slope(r, slope(r));
            }
            frame.endRows(ROWS);
            for (int start = begin / MachineAttention.CHUNK * MachineAttention.CHUNK; start <= last; start += MachineAttention.CHUNK) {
                int from = Math.max(begin, start);
                int to = Math.min(last + 1, start + MachineAttention.CHUNK);
                frame.positions(start, from, to, capped ? SCALE * 2 / CAP : SCALE);
                for (int p = from; p < to; p += size - p % size) {
                    long page = memory.address() + 2 * (p / size - firstPage) * layout.bytes();
                    attention.entry(frame, page, page + layout.bytes(), p % size, Math.min(size - p % size, to - p));
                }
                attention.chunk(frame, from == begin ? frame.total() : frame.part());
                if (from > begin) {
                    attention.merge(frame, frame.total(), frame.part());
                }
            }
            attention.finish(frame, frame.total(), out.address(), (long) dim * Float.BYTES, ROWS, 1);
            for (int r = 0; r < ROWS; r++) {
                compare(queries[r], keys, values, r, out, layout, attention.shape());
            }
            for (int d = 0; d < dim; d++) {
                if (out.get(Rows.FLOAT, ((long) ROWS * dim + d) * Float.BYTES) != 0) {
                    throw new MachineCodeException("the self-test of attention over " + layout + " failed: it wrote behind its results");
                }
            }
        }
    }

    private static float slope(int row) {
        return -0.03f * row;
    }

    private static void fill(Random random, float[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextFloat() * 2 - 1;
        }
    }

    /** Row r sees {@value #WINDOW} positions from number r on. */
    private static void compare(float[] query, float[][] keys, float[][] values, int r, MemorySegment out, KvLayout layout,
                                AttentionShape shape) {
        int dim = query.length;
        var want = new double[dim];
        double sum = 0;
        for (int p = r; p < r + WINDOW; p++) {
            double score = 0;
            for (int d = 0; d < dim; d++) {
                score += (double) query[d] * keys[p][d];
            }
            score *= SCALE;
            score = (shape.capped() ? CAP * Math.tanh(score / CAP) : score) + (shape.biased() ? slope(r) * (r + WINDOW - 1 - p) : 0);
            double weight = Math.exp(score);
            sum += weight;
            for (int d = 0; d < dim; d++) {
                want[d] += weight * values[p][d];
            }
        }
        for (int d = 0; d < dim; d++) {
            float got = out.get(Rows.FLOAT, ((long) r * dim + d) * Float.BYTES);
            if (!(Math.abs(want[d] / sum - got) <= TOLERANCE)) {
                throw new MachineCodeException("the self-test of attention over " + layout + " failed: dimension " + d + " of row " + r + " is "
                        + got + ", should be " + want[d] / sum);
            }
        }
    }
}
