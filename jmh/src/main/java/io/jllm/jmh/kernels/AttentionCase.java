package io.jllm.jmh.kernels;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.AttentionFrame;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.cpu.machine.MachineAttention;
import io.jllm.quant.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Keys and values of a sequence in pages that lie in any order, queries of its last tokens, and attention in machine code over them. */
final class AttentionCase {
    private static final DType[] TYPES = {DType.F32, DType.F16, DType.Q8_0};
    /** Few enough that the code for all of them, which stays, takes little memory. */
    private static final int[] DIMS = {1, 2, 3, 5, 8, 15, 16, 17, 20, 33, 48, 64, 72, 80, 96, 100, 112, 128, 160};
    private static final int[] PAGES = {1, 2, 3, 7, 16, 17, 32, 40, 64};
    private static final int MOST_POSITIONS = 1200;
    private static final int MOST_TOKENS = 8;
    private static final int MOST_ROWS_OF_TOKEN = 5;
    private static final double ROUNDING = 0x1p-24;

    private final KvLayout layout;
    private final int group;
    private final int tokens;
    private final int position;
    private final int window;
    private final float scale;
    private final Arena arena;
    private final MemorySegment memory;
    private final int[] pages;
    private final Rows queries;

    AttentionCase(Arena arena, SplittableRandom random) {
        this.arena = arena;
        int dim = DIMS[random.nextInt(DIMS.length)];
        int size = PAGES[random.nextInt(PAGES.length)];
        layout = new KvLayout(TYPES[random.nextInt(TYPES.length)], dim, size);
        group = 1 + random.nextInt(MOST_ROWS_OF_TOKEN);
        tokens = 1 + random.nextInt(MOST_TOKENS);
        position = random.nextInt(random.nextBoolean() ? 40 : MOST_POSITIONS);
        window = random.nextBoolean() ? MOST_POSITIONS + MOST_TOKENS : 1 + random.nextInt(MOST_POSITIONS);
        scale = (float) (1 / Math.sqrt(dim));
        pages = new int[Math.ceilDiv(position + tokens, size)];
        for (int i = 0; i < pages.length; i++) {
            int other = random.nextInt(i + 1);
            pages[i] = pages[other];
            pages[other] = i;
        }
        memory = arena.allocate(2 * pages.length * layout.bytes() + KvLayout.SLACK, 64);
        memory.fill((byte) 0xff); // no numbers, where nothing is stored
        var x = new float[dim];
        for (int p = 0; p < position + tokens; p++) {
            fill(random, x);
            layout.storeKey(x, memory, page(p), p % size);
            fill(random, x);
            layout.storeValue(x, memory, page(p) + layout.bytes(), p % size);
        }
        queries = Product.floats(arena, random, tokens, group * dim);
    }

    private static void fill(SplittableRandom random, float[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
    }

    private long page(int position) {
        return 2 * pages[position / layout.positions()] * layout.bytes();
    }

    KvLayout layout() {
        return layout;
    }

    int tokens() {
        return tokens;
    }

    /** Numbers of results, of all tokens. */
    long numbers() {
        return (long) tokens * group * layout.dim();
    }

    /** Results of some of the tokens. */
    Rows results(MachineAttention attention, Workspace ws, int first, int count) {
        int dim = layout.dim();
        int rows = Math.ceilDiv(count * group, MachineAttention.ROWS) * MachineAttention.ROWS;
        AttentionFrame frame = attention.frame(rows, ws);
        for (int t = 0; t < count; t++) {
            int at = position + first + t;
            frame.query(t * group, group, queries.data(), queries.row(first + t));
            frame.range(t * group, group, Math.max(0, at - window + 1), at);
        }
        frame.endRows(count * group);
        int begin = Math.max(0, position + first - window + 1);
        int end = position + first + count;
        int size = layout.positions();
        for (int start = begin / MachineAttention.CHUNK * MachineAttention.CHUNK; start < end; start += MachineAttention.CHUNK) {
            int from = Math.max(start, begin);
            int to = Math.min(start + MachineAttention.CHUNK, end);
            frame.positions(start, from, to, scale);
            for (int p = from; p < to; p += size - p % size) {
                long page = memory.address() + page(p);
                attention.entry(frame, page, page + layout.bytes(), p % size, Math.min(size - p % size, to - p));
            }
            attention.chunk(frame, from == begin ? frame.total() : frame.part());
            if (from > begin) {
                attention.merge(frame, frame.total(), frame.part());
            }
        }
        Rows out = new Rows(arena.allocate((long) count * group * dim * Float.BYTES), 0, group * dim);
        attention.finish(frame, frame.total(), out.data().address(), (long) out.width() * Float.BYTES, count, group);
        return out;
    }

    /**
     * The largest part of the error that is allowed, of a token's first row. A score is off by a rounding for each dimension, a weight by as
     * much and a few more, and a sum of values by a rounding for each position.
     */
    double error(Rows results, int token) {
        int dim = layout.dim();
        int last = position + token;
        int first = Math.max(0, last - window + 1);
        var scores = new double[last - first + 1];
        var key = new float[1];
        double size = 0;
        for (int p = first; p <= last; p++) {
            double sizeOfScore = 0;
            for (int d = 0; d < dim; d++) {
                layout.keys(memory, page(p), d, p % layout.positions(), 1, key);
                double product = (double) key[0] * scale * queries.data().get(Rows.FLOAT, queries.row(token) + (long) d * Float.BYTES);
                scores[p - first] += product;
                sizeOfScore += Math.abs(product);
            }
            size = Math.max(size, sizeOfScore);
        }
        double highest = Arrays.stream(scores).max().orElseThrow();
        double sum = 0;
        var want = new double[dim];
        var magnitude = new double[dim];
        var value = new float[dim];
        for (int p = first; p <= last; p++) {
            layout.value(memory, page(p) + layout.bytes(), p % layout.positions(), value);
            double weight = Math.exp(scores[p - first] - highest);
            sum += weight;
            for (int d = 0; d < dim; d++) {
                want[d] += weight * value[d];
                magnitude[d] += weight * Math.abs(value[d]);
            }
        }
        double worst = 0;
        for (int d = 0; d < dim; d++) {
            double off = Math.abs(want[d] / sum - results.data().get(Rows.FLOAT, results.row(token) + (long) d * Float.BYTES));
            double allowed = magnitude[d] / sum * ROUNDING * (2 * (dim + 2) * size + 2 * scores.length + 20);
            double part = off == 0 ? 0 : off / allowed; // a value of one position may be 0
            worst = Double.isNaN(part) ? part : Math.max(worst, part);
        }
        return worst;
    }

    @Override
    public String toString() {
        return "attention of " + tokens + " tokens of " + group + " rows from " + position + " on, window " + window + ", over " + layout;
    }
}
