package io.jllm.cpu.kernels;

import io.jllm.model.Op;
import io.jllm.spi.StepBatch;

/**
 * How attention is shared out. A unit is a tile of tokens of one sequence and a head of keys and values, with all query heads that read
 * it: its rows. Positions are taken in chunks of {@value #CHUNK}, which begin at multiples of that. An iteration is a unit, or, where
 * there are fewer units than would keep all threads busy, a range of chunks of one.
 */
public final class AttentionTiles {
    public static final int CHUNK = 256;
    /** Units for each thread, below which they are split. */
    private static final int PER_THREAD = 4;
    /** Most floats that sums of chunks may take: 64 MiB. */
    private static final long MAX_PARTIAL = 1 << 24;

    private final Op.PagedAttention op;
    private final SequenceIndex sequences;
    private final int threads;
    private final int group;
    private int parts = 1;

    public AttentionTiles(Op.PagedAttention op, SequenceIndex sequences, int threads) {
        this.op = op;
        this.sequences = sequences;
        this.threads = threads;
        group = op.shape().heads() / op.shape().kvHeads();
    }

    /** Rows of a token. */
    public int group() {
        return group;
    }

    /** Units of the step. */
    public int units() {
        return sequences.tiles() * op.shape().kvHeads();
    }

    /** Iterations for each unit, as the last {@link #share} has it. */
    public int parts() {
        return parts;
    }

    /**
     * Shares a batch out.
     *
     * @param attention is told to make room for the sums of all chunks, if units are split
     * @return iterations
     */
    public int share(StepBatch b, Attention attention) {
        int units = units();
        parts = 1;
        if (units > 0 && units < threads * PER_THREAD) {
            split(b, units, attention);
        }
        return units * parts;
    }

    private void split(StepBatch b, int units, Attention attention) {
        int chunks = 0;
        int tokens = 0;
        for (int tile = 0; tile < sequences.tiles(); tile++) {
            chunks = Math.max(chunks, lastChunk(b, tile) - firstChunk(b, tile) + 1);
            tokens = Math.max(tokens, sequences.size(tile));
        }
        int rows = padded(tokens);
        if (chunks > 1 && (long) units * chunks * rows * attention.rowFloats() <= MAX_PARTIAL) {
            parts = Math.min(chunks, Math.ceilDiv(threads * PER_THREAD, units));
            attention.reserve(units, chunks, rows);
        }
    }

    /** Rows of so many tokens, with some more of zeros, for kernels take several at a time. */
    public int padded(int tokens) {
        return Math.ceilDiv(tokens * group, LoopKernels.ROWS) * LoopKernels.ROWS;
    }

    /** The unit of an iteration. The last tokens of a prompt see most: they shall not be the last to be computed. */
    public int unit(int task) {
        return units() - 1 - task / parts;
    }

    /** The tile of a unit. */
    public int tile(int unit) {
        return unit / op.shape().kvHeads();
    }

    /** The head of keys and values of a unit. */
    public int head(int unit) {
        return unit % op.shape().kvHeads();
    }

    /** The first position that the token at a position sees. */
    public int first(int position) {
        return op.scores().first(position);
    }

    /** The first chunk of which a tile sees something. */
    public int firstChunk(StepBatch b, int tile) {
        return first(b.positions[sequences.start(tile)]) / CHUNK;
    }

    /** The last one. */
    public int lastChunk(StepBatch b, int tile) {
        return b.positions[sequences.start(tile + 1) - 1] / CHUNK;
    }

    /** The first position of a chunk that a tile sees. */
    public int from(StepBatch b, int tile, int chunk) {
        return Math.max(chunk * CHUNK, first(b.positions[sequences.start(tile)]));
    }

    /** Behind the last one. */
    public int to(StepBatch b, int tile, int chunk) {
        return Math.min(chunk * CHUNK + CHUNK, b.positions[sequences.start(tile + 1) - 1] + 1);
    }
}
