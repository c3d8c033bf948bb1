package io.jllm.cpu.op;

import io.jllm.cpu.kernels.Attention;
import io.jllm.cpu.kernels.AttentionTiles;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.spi.StepBatch;

/**
 * Attention over paged keys and values, shared out as {@link AttentionTiles} says. Where units are split, the sums of their parts are left
 * for {@link Merge}.
 */
final class AttentionOp implements CompiledOp {
    private final AttentionTiles tiles;
    private final Attention attention;

    AttentionOp(AttentionTiles tiles, Attention attention) {
        this.tiles = tiles;
        this.attention = attention;
    }

    @Override
    public int tasks(StepBatch b) {
        return tiles.share(b, attention);
    }

    @Override
    public void run(StepBatch b, int task, Workspace ws) {
        int unit = tiles.unit(task);
        int tile = tiles.tile(unit);
        int head = tiles.head(unit);
        int from = tiles.firstChunk(b, tile);
        int to = tiles.lastChunk(b, tile) + 1;
        int parts = tiles.parts();
        attention.load(b, tile, head, ws);
        if (parts == 1) {
            attention.first(b, tile, head, from, ws);
            for (int c = from + 1; c < to; c++) {
                attention.next(b, tile, head, c, ws);
            }
            attention.store(tile, head, ws);
        } else {
            int each = Math.ceilDiv(to - from, parts);
            int begin = from + task % parts * each;
            for (int c = begin; c < Math.min(to, begin + each); c++) {
                attention.part(b, tile, head, c, unit, c - from, ws);
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

    /** Merges what the iterations of an attention left, if it was split. An iteration is a unit. */
    final class Merge implements CompiledOp {
        @Override
        public int tasks(StepBatch b) {
            return tiles.parts() == 1 ? 0 : tiles.units();
        }

        @Override
        public void run(StepBatch b, int unit, Workspace ws) {
            int tile = tiles.tile(unit);
            attention.merge(tile, tiles.head(unit), unit, tiles.lastChunk(b, tile) - tiles.firstChunk(b, tile) + 1, ws);
        }

        @Override
        public void warmUp(StepBatch b, Workspace ws) {
            // when the attention itself does
        }
    }
}
