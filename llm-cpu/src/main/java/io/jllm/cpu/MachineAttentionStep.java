package io.jllm.cpu;

import io.jllm.cpu.kernels.AttentionFrame;
import io.jllm.cpu.kernels.KvLayout;
import io.jllm.cpu.kernels.MachineAttention;
import io.jllm.cpu.kernels.Rows;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.model.Op;
import io.jllm.spi.StepBatch;

/** As {@link AttentionStep}, where machine code computes what each chunk of positions adds. Knows no soft cap. */
final class MachineAttentionStep implements Step {
    private final Op.PagedAttention op;
    private final Rows out;
    private final Rows q;
    private final KvCache cache;
    private final KvLayout layout;
    private final SequenceIndex sequences;
    private final MachineAttention attention;
    private final NativeSums partial;
    private final AttentionTiles tiles;

    MachineAttentionStep(Op.PagedAttention op, Rows out, Rows q, KvCache cache, SequenceIndex sequences, MachineAttention attention,
                         NativeSums partial, int threads) {
        this.op = op;
        this.out = out;
        this.q = q;
        this.cache = cache;
        this.sequences = sequences;
        this.attention = attention;
        this.partial = partial;
        layout = cache.layout(op.shape());
        tiles = new AttentionTiles(op, sequences, threads);
    }

    @Override
    public int tasks(StepBatch b) {
        return tiles.share(b, attention.rowBytes() / Float.BYTES, partial);
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        int unit = tiles.unit(task);
        int tile = tiles.tile(unit);
        int head = tiles.head(unit);
        int from = tiles.firstChunk(b, tile);
        int to = tiles.lastChunk(b, tile) + 1;
        AttentionFrame frame = frame(b, tile, head, ws);
        if (tiles.parts() == 1) {
            chunk(b, tile, head, from, frame, frame.total());
            for (int c = from + 1; c < to; c++) {
                chunk(b, tile, head, c, frame, frame.part());
                attention.merge(frame, frame.total(), frame.part());
            }
            store(tile, head, frame, frame.total());
        } else {
            int each = Math.ceilDiv(to - from, tiles.parts());
            int begin = from + task % tiles.parts() * each;
            for (int c = begin; c < Math.min(to, begin + each); c++) {
                chunk(b, tile, head, c, frame, partial.address(unit, c - from));
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

    /** The rows of a unit. */
    private AttentionFrame frame(StepBatch b, int tile, int head, Workspace ws) {
        int first = sequences.start(tile);
        int count = sequences.size(tile);
        int group = tiles.group();
        AttentionFrame frame = attention.frame(tiles.padded(count), ws);
        for (int t = 0; t < count; t++) {
            int position = b.positions[first + t];
            frame.query(t * group, group, q.data(), q.row(first + t) + (long) head * group * layout.dim() * Float.BYTES);
            frame.range(t * group, group, tiles.first(position), position);
        }
        frame.endRows(count * group);
        return frame;
    }

    private void chunk(StepBatch b, int tile, int head, int chunk, AttentionFrame frame, long sums) {
        int from = tiles.from(b, tile, chunk);
        int to = tiles.to(b, tile, chunk);
        int table = sequences.sequence(tile) * b.maxBlocks;
        int size = cache.blockSize();
        frame.positions(chunk * AttentionTiles.CHUNK, from, to, op.scale());
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
        attention.finish(frame, sums, out.data().address() + out.row(sequences.start(tile)) + (long) head * group * layout.dim() * Float.BYTES,
                (long) out.width() * Float.BYTES, sequences.size(tile), group);
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
            AttentionFrame frame = attention.frame(tiles.padded(sequences.size(tile)), ws);
            long total = partial.address(unit, 0);
            for (int c = 1; c <= tiles.lastChunk(b, tile) - tiles.firstChunk(b, tile); c++) {
                attention.merge(frame, total, partial.address(unit, c));
            }
            store(tile, tiles.head(unit), frame, total);
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // when the attention itself does
        }
    }
}
