package io.jllm.cpu.machine;

import io.jllm.cpu.kernels.Attention;
import io.jllm.cpu.kernels.AttentionSite;
import io.jllm.cpu.kernels.AttentionTiles;
import io.jllm.cpu.kernels.ChunkSums;
import io.jllm.cpu.kernels.KvCache;
import io.jllm.cpu.kernels.SequenceIndex;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.attention.AttentionFrame;
import io.jllm.cpu.layout.attention.KvLayout;
import io.jllm.model.Op;
import io.jllm.model.Scores;
import io.jllm.spi.StepBatch;

/** In machine code. */
final class MachineChunks implements Attention {
    private final Op.PagedAttention op;
    private final Rows out;
    private final Rows q;
    private final KvCache cache;
    private final KvLayout layout;
    private final SequenceIndex sequences;
    private final MachineAttention attention;
    private final ChunkSums sums;
    private final float[] sinks;
    private final float scale;
    private final AttentionTiles tiles;

    MachineChunks(AttentionSite site, MachineAttention attention) {
        op = site.op();
        out = site.out();
        q = site.q();
        cache = site.cache();
        sequences = site.sequences();
        tiles = site.tiles();
        sums = site.sums();
        sinks = site.sinks();
        layout = site.layout();
        scale = op.scores().scale() * (op.scores().softCap() > 0 ? 2 / op.scores().softCap() : 1);
        this.attention = attention;
    }

    @Override
    public int rowFloats() {
        return attention.rowBytes() / Float.BYTES;
    }

    @Override
    public void reserve(int units, int chunks, int rows) {
        sums.reserveMemory(units, chunks, rows * rowFloats());
    }

    @Override
    public void load(StepBatch b, int tile, int head, Workspace ws) {
        int first = sequences.start(tile);
        int count = sequences.size(tile);
        int group = tiles.group();
        AttentionFrame frame = attention.frame(tiles.padded(count), ws);
        frame.cap(op.scores().softCap());
        for (int t = 0; t < count; t++) {
            int position = b.positions[first + t];
            frame.query(t * group, group, q.data(), q.row(first + t) + (long) head * group * layout.dim() * Float.BYTES);
            frame.range(t * group, group, tiles.first(position), position);
        }
        if (op.scores().alibi().isPresent()) {
            Scores.Alibi alibi = op.scores().alibi().get();
            for (int r = 0; r < count * group; r++) {
                frame.slope(r, -alibi.factor() * alibi.slopes()[head * group + r % group]);
            }
        }
        frame.endRows(count * group);
    }

    @Override
    public void first(StepBatch b, int tile, int head, int chunk, Workspace ws) {
        chunk(b, tile, head, chunk, ws.attention(), ws.attention().total());
    }

    @Override
    public void next(StepBatch b, int tile, int head, int chunk, Workspace ws) {
        AttentionFrame frame = ws.attention();
        chunk(b, tile, head, chunk, frame, frame.part());
        attention.merge(frame, frame.total(), frame.part());
    }

    @Override
    public void store(int tile, int head, Workspace ws) {
        store(tile, head, ws.attention(), ws.attention().total());
    }

    @Override
    public void part(StepBatch b, int tile, int head, int chunk, int unit, int number, Workspace ws) {
        chunk(b, tile, head, chunk, ws.attention(), sums.address(unit, number));
    }

    @Override
    public void merge(int tile, int head, int unit, int chunks, Workspace ws) {
        AttentionFrame frame = attention.frame(tiles.padded(sequences.size(tile)), ws);
        long total = sums.address(unit, 0);
        for (int c = 1; c < chunks; c++) {
            attention.merge(frame, total, sums.address(unit, c));
        }
        store(tile, head, frame, total);
    }

    private void chunk(StepBatch b, int tile, int head, int chunk, AttentionFrame frame, long sums) {
        int from = tiles.from(b, tile, chunk);
        int to = tiles.to(b, tile, chunk);
        int table = sequences.sequence(tile) * b.maxBlocks;
        int size = cache.blockSize();
        frame.positions(chunk * AttentionTiles.CHUNK, from, to, scale);
        for (int p = from; p < to; p += size - p % size) {
            int block = b.blockTable[table + p / size];
            long memory = cache.memory(block).address();
            attention.entry(frame, memory + cache.keys(block, op.layer(), head, layout),
                    memory + cache.values(block, op.layer(), head, op.shape(), layout), p % size, Math.min(size - p % size, to - p));
        }
        attention.chunk(frame, sums);
    }

    private void store(int tile, int head, AttentionFrame frame, long sums) {
        int group = tiles.group();
        if (sinks.length > 0) {
            frame.sinks(sinks, head * group, group);
            attention.merge(frame, sums, frame.part());
        }
        attention.finish(frame, sums, out.data().address() + out.row(sequences.start(tile)) + (long) head * group * layout.dim() * Float.BYTES,
                (long) out.width() * Float.BYTES, sequences.size(tile), group);
    }
}
