package io.jllm.spi;

/**
 * What one step computes, flattened. Prefill, chunked prefill and decode differ only in these numbers.
 *
 * <p>Fields are public and mutable, the one such class: the engine owns one instance, refills it every step, and a device
 * backend uploads it in one copy. It is written between steps and read during {@link ModelRunner#forward}, on one thread.
 */
public final class StepBatch {
    /** How many tokens, sequences and wanted rows of logits this step has. */
    public int tokens, sequences, logitRows;
    /**
     * For how many of these rows not logits are wanted, but {@link ModelRunner#hidden}. Where that is all of them, a backend may leave logits
     * out; where it is none, hidden states.
     */
    public int hiddenRows;
    /**
     * Token ids, by token. Tokens of a sequence are contiguous and in order of position. Runners that {@link ModelRunner#overlaps overlap} find
     * {@link #drawn} in the place of an id that is not read yet.
     */
    public final int[] tokenIds;
    /** Position of each token in its sequence. */
    public final int[] positions;
    /** Where each token's keys and values go: block * blockSize + offset. */
    public final int[] kvSlots;
    /** Index of each sequence's first token; one more entry ends the last. */
    public final int[] queryStart;
    /** Positions of each sequence that are in the cache after this step. */
    public final int[] contextLength;
    /** Blocks of each sequence in order of position, {@link #maxBlocks} entries each. */
    public final int[] blockTable;
    /** A small number that belongs to the sequence while it lives, for state that a backend keeps by sequence. */
    public final int[] sequenceSlot;
    /**
     * The length of each sequence's text by which {@link io.jllm.model.Rope#at} chooses its rotation; it may change only where the sequence
     * begins anew at position 0. Left at 0 for models whose rotation does not depend on it.
     */
    public final int[] ropeLength;
    /**
     * The adapter that each sequence is computed with, by the number that {@link ModelRunner#addAdapter} was given; 0 for none. Only runners that
     * take adapters see others.
     */
    public final int[] adapter;
    /** For each wanted row of logits, the index of its token; never falling, and the same one several times where sequences branch. */
    public final int[] logitRow;
    /** Entries of {@link #blockTable} a sequence. */
    public final int maxBlocks;

    /** A batch with room for that many tokens, sequences, logits rows, and blocks a sequence. */
    public StepBatch(int maxTokens, int maxSequences, int maxLogitRows, int maxBlocks) {
        tokenIds = new int[maxTokens];
        positions = new int[maxTokens];
        kvSlots = new int[maxTokens];
        queryStart = new int[maxSequences + 1];
        contextLength = new int[maxSequences];
        blockTable = new int[Math.multiplyExact(maxSequences, maxBlocks)];
        sequenceSlot = new int[maxSequences];
        ropeLength = new int[maxSequences];
        adapter = new int[maxSequences];
        logitRow = new int[maxLogitRows];
        this.maxBlocks = maxBlocks;
    }

    /** Stands for the id that the last drawing that was started gives for a row, below 0; applied to that, it gives the row again. */
    public static int drawn(int row) {
        return ~row;
    }

    /** Empties it. */
    public void clear() {
        tokens = 0;
        sequences = 0;
        logitRows = 0;
        hiddenRows = 0;
    }
}
