package io.jllm.cpu.kernels;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.Op;
import io.jllm.model.Scores;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** In Java, by {@link LoopKernels}: whatever an attention may ask for. */
final class LoopChunks implements Attention {
    private static final int CHUNK = AttentionTiles.CHUNK;
    /** From row to row of scores; kernels may write some behind each. */
    private static final int STRIDE = CHUNK + KvLayout.SLACK / Float.BYTES;

    private final Op.PagedAttention op;
    private final Op.AttentionShape shape;
    private final int group;
    private final int dim;
    private final Rows out;
    private final Rows q;
    private final KvCache cache;
    private final KvLayout layout;
    private final SequenceIndex sequences;
    private final LoopKernels kernels;
    private final ChunkSums sums;
    private final AttentionTiles tiles;
    private final float[] sinks;

    LoopChunks(AttentionSite site, LoopKernels kernels) {
        op = site.op();
        out = site.out();
        q = site.q();
        cache = site.cache();
        sequences = site.sequences();
        tiles = site.tiles();
        sums = site.sums();
        sinks = site.sinks();
        this.kernels = kernels;
        shape = op.shape();
        group = tiles.group();
        dim = shape.headDim();
        layout = site.layout();
    }

    @Override
    public int rowFloats() {
        return SoftmaxSums.size(dim);
    }

    @Override
    public void reserve(int units, int chunks, int rows) {
        sums.reserveFloats(units, chunks, rows * rowFloats());
    }

    @Override
    public void first(StepBatch b, int tile, int head, int chunk, Workspace ws) {
        chunk(b, tile, head, chunk, ws.totals(size(tile)), 0, ws);
    }

    @Override
    public void next(StepBatch b, int tile, int head, int chunk, Workspace ws) {
        float[] part = ws.parts(size(tile));
        chunk(b, tile, head, chunk, part, 0, ws);
        SoftmaxSums.merge(ws.totals(0), 0, part, 0, sequences.size(tile) * group, dim);
    }

    @Override
    public void store(int tile, int head, Workspace ws) {
        store(tile, head, ws.totals(0), 0);
    }

    @Override
    public void part(StepBatch b, int tile, int head, int chunk, int unit, int number, Workspace ws) {
        chunk(b, tile, head, chunk, sums.floats(), sums.at(unit, number), ws);
    }

    @Override
    public void merge(int tile, int head, int unit, int chunks, Workspace ws) {
        int total = sums.at(unit, 0);
        for (int c = 1; c < chunks; c++) {
            SoftmaxSums.merge(sums.floats(), total, sums.floats(), sums.at(unit, c), sequences.size(tile) * group, dim);
        }
        store(tile, head, sums.floats(), total);
    }

    /** Floats of the sums of all rows of a unit. */
    private int size(int tile) {
        return tiles.padded(sequences.size(tile)) * SoftmaxSums.size(dim);
    }

    /** One row after the other, by the scale. */
    @Override
    public void load(StepBatch b, int tile, int head, Workspace ws) {
        int first = sequences.start(tile);
        int count = sequences.size(tile);
        int rows = tiles.padded(sequences.size(tile));
        float[] queries = ws.queries(rows * dim);
        for (int t = 0; t < count; t++) {
            MemorySegment.copy(q.data(), Rows.FLOAT, q.row(first + t) + (long) head * group * dim * Float.BYTES, queries, t * group * dim,
                    group * dim);
        }
        for (int i = 0; i < count * group * dim; i++) {
            queries[i] *= op.scores().scale();
        }
        Arrays.fill(queries, count * group * dim, rows * dim, 0);
    }

    /** The sums of one chunk, for all rows of a unit. */
    private void chunk(StepBatch b, int tile, int head, int chunk, float[] sums, int at, Workspace ws) {
        int token = sequences.start(tile);
        int count = sequences.size(tile);
        int rows = tiles.padded(sequences.size(tile));
        int start = chunk * CHUNK;
        int from = tiles.from(b, tile, chunk);
        int to = tiles.to(b, tile, chunk);
        int table = sequences.sequence(tile) * b.maxBlocks;
        float[] queries = ws.queries(0);
        float[] scores = ws.scores(rows * STRIDE);
        int size = cache.blockSize();
        for (int p = from; p < to; p += size - p % size) {
            int block = b.blockTable[table + p / size];
            kernels.scores(layout, cache.memory(block), cache.keys(block, op.layer(), head, layout), p % size, Math.min(size - p % size, to - p),
                    queries, rows, scores, p - start, STRIDE, ws);
        }
        int stride = SoftmaxSums.size(dim);
        Arrays.fill(sums, at, at + rows * stride, 0);
        for (int r = 0; r < count * group; r++) {
            weights(b.positions[token + r / group], head * group + r % group, r * STRIDE - start, from, to, scores, sums, at + r * stride, ws);
        }
        for (int p = from; p < to; p += size - p % size) {
            int block = b.blockTable[table + p / size];
            kernels.addValues(layout, cache.memory(block), cache.values(block, op.layer(), head, shape, layout), p % size,
                    Math.min(size - p % size, to - p), scores, p - start, STRIDE, rows, sums, at + SoftmaxSums.HEADER, stride, ws);
        }
    }

    /** Turns the scores of a row into weights: 0 for what the token at that position does not see. */
    private void weights(int position, int query, int zero, int from, int to, float[] scores, float[] sums, int at, Workspace ws) {
        int begin = Math.max(from, tiles.first(position));
        int end = Math.min(to, position + 1);
        if (begin < end) {
            if (op.scores().softCap() > 0) {
                kernels.cap(scores, zero + begin, end - begin, op.scores().softCap(), ws);
            }
            if (op.scores().alibi().isPresent()) {
                Scores.Alibi alibi = op.scores().alibi().get();
                for (int p = begin; p < end; p++) {
                    scores[zero + p] += alibi.bias(query, p, position);
                }
            }
            float max = kernels.largest(scores, zero + begin, end - begin);
            SoftmaxSums.set(sums, at, max, kernels.exponentials(scores, zero + begin, end - begin, max, ws));
            Arrays.fill(scores, zero + from, zero + begin, 0);
            Arrays.fill(scores, zero + end, zero + to, 0);
        } else {
            SoftmaxSums.setNothing(sums, at);
            Arrays.fill(scores, zero + from, zero + to, 0);
        }
    }

    private void store(int tile, int head, float[] sums, int at) {
        int first = sequences.start(tile);
        for (int r = 0; r < sequences.size(tile) * group; r++) {
            long to = out.row(first + r / group) + (long) (head * group + r % group) * dim * Float.BYTES;
            int row = at + r * SoftmaxSums.size(dim);
            SoftmaxSums.divide(sums, row, dim, sinks.length == 0 ? Float.NEGATIVE_INFINITY : sinks[head * group + r % group]);
            MemorySegment.copy(sums, row + SoftmaxSums.HEADER, out.data(), Rows.FLOAT, to, dim);
        }
    }
}
