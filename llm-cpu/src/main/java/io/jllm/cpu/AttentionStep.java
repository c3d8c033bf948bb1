package io.jllm.cpu;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.KvLayout;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.model.Op;
import io.jllm.spi.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Attention over paged keys and values, shared out as {@link AttentionTiles} says: the scores of a chunk of positions, their exponentials,
 * the weighted sum of its values; then the sums of chunks are merged, in order (the online softmax of Milakov and Gimelshein, 2018;
 * FlashAttention, Dao and others, 2022). So neither pages nor tiles nor threads change a bit of the result.
 *
 * <p>Where units are split, the sums of their parts are left for {@link Merge}.
 */
final class AttentionStep implements Step {
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
    private final Kernels kernels;
    private final PartialSums partial;
    private final AttentionTiles tiles;

    AttentionStep(Op.PagedAttention op, Rows out, Rows q, KvCache cache, SequenceIndex sequences, Kernels kernels, PartialSums partial,
                  int threads) {
        this.op = op;
        this.out = out;
        this.q = q;
        this.cache = cache;
        this.sequences = sequences;
        this.kernels = kernels;
        this.partial = partial;
        tiles = new AttentionTiles(op, sequences, threads);
        shape = op.shape();
        group = tiles.group();
        dim = shape.headDim();
        layout = cache.layout(shape);
    }

    @Override
    public int tasks(StepBatch b) {
        return tiles.share(b, SoftmaxSums.size(dim), partial);
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        int unit = tiles.unit(task);
        int tile = tiles.tile(unit);
        int head = tiles.head(unit);
        int from = tiles.firstChunk(b, tile);
        int to = tiles.lastChunk(b, tile) + 1;
        int parts = tiles.parts();
        if (parts == 1) {
            whole(b, tile, head, from, to, ws);
        } else {
            int each = Math.ceilDiv(to - from, parts);
            int begin = from + task % parts * each;
            loadQueries(tile, head, ws);
            for (int c = begin; c < Math.min(to, begin + each); c++) {
                chunk(b, tile, head, c, partial.sums(), partial.at(unit, c - from), ws);
            }
        }
    }

    @Override
    public void warmUp(StepBatch b, Workspace ws) {
        int last = tasks(b) - 1;
        for (int part = 0; part < tiles.parts(); part++) {
            run(b, part, ws);
        }
        if (tiles.parts() > 1) {
            new Merge().run(b, 0, ws);
        } else if (last > 0) {
            run(b, last, ws);
        }
    }

    private void whole(StepBatch b, int tile, int head, int from, int to, Workspace ws) {
        int rows = sequences.size(tile) * group;
        int size = tiles.padded(sequences.size(tile)) * SoftmaxSums.size(dim);
        float[] total = ws.totals(size);
        float[] part = ws.parts(size);
        loadQueries(tile, head, ws);
        chunk(b, tile, head, from, total, 0, ws);
        for (int c = from + 1; c < to; c++) {
            chunk(b, tile, head, c, part, 0, ws);
            SoftmaxSums.merge(total, 0, part, 0, rows, dim);
        }
        store(tile, head, total, 0);
    }

    /** Queries of a unit, one row after the other, by the scale. */
    private void loadQueries(int tile, int head, Workspace ws) {
        int first = sequences.start(tile);
        int count = sequences.size(tile);
        int rows = tiles.padded(sequences.size(tile));
        float[] queries = ws.queries(rows * dim);
        for (int t = 0; t < count; t++) {
            MemorySegment.copy(q.data(), Rows.FLOAT, q.row(first + t) + (long) head * group * dim * Float.BYTES, queries, t * group * dim,
                    group * dim);
        }
        for (int i = 0; i < count * group * dim; i++) {
            queries[i] *= op.scale();
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
            weights(b.positions[token + r / group], r * STRIDE - start, from, to, scores, sums, at + r * stride, ws);
        }
        for (int p = from; p < to; p += size - p % size) {
            int block = b.blockTable[table + p / size];
            kernels.addValues(layout, cache.memory(block), cache.values(block, op.layer(), head, shape, layout), p % size,
                    Math.min(size - p % size, to - p), scores, p - start, STRIDE, rows, sums, at + SoftmaxSums.HEADER, stride, ws);
        }
    }

    /** Turns the scores of a row into weights: 0 for what the token at that position does not see. */
    private void weights(int position, int zero, int from, int to, float[] scores, float[] sums, int at, Workspace ws) {
        int begin = Math.max(from, tiles.first(position));
        int end = Math.min(to, position + 1);
        if (begin < end) {
            float max = kernels.largest(scores, zero + begin, end - begin, op.softCap(), ws);
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
            SoftmaxSums.divide(sums, row, dim);
            MemorySegment.copy(sums, row + SoftmaxSums.HEADER, out.data(), Rows.FLOAT, to, dim);
        }
    }

    /** Merges what the iterations of an attention left, if it was split. An iteration is a unit. */
    final class Merge implements Step {
        @Override
        public int tasks(StepBatch b) {
            return tiles.parts() == 1 ? 0 : tiles.units();
        }

        @Override
        public void run(StepBatch b, int unit, Workspace ws) {
            int tile = tiles.tile(unit);
            float[] sums = partial.sums();
            int total = partial.at(unit, 0);
            for (int c = 1; c <= tiles.lastChunk(b, tile) - tiles.firstChunk(b, tile); c++) {
                SoftmaxSums.merge(sums, total, sums, partial.at(unit, c), sequences.size(tile) * group, dim);
            }
            store(tile, tiles.head(unit), sums, total);
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // when the attention itself does
        }
    }
}
