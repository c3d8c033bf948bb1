package io.jllm.spi;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Makes batches as an engine would, for a few growing sequences whose blocks lie scattered over the cache. */
public final class PagedSequences {
    /** {@link StepBatch#ropeLength} of the first sequence; the second one has twice that, and so on. */
    public static final int ROPE_LENGTH = 10;

    private final int blockSize;
    private final int maxBlocks;
    private final int vocab;
    private final List<Integer> free = new ArrayList<>();
    private final List<List<Integer>> tables = new ArrayList<>();
    private final int[] lengths;

    /** Sequences of at most {@code maxLength} positions in {@code blocks} blocks; the seed decides blocks and tokens. */
    public PagedSequences(int sequences, int blockSize, int blocks, int maxLength, int vocab, long seed) {
        this.blockSize = blockSize;
        this.vocab = vocab;
        maxBlocks = (maxLength + blockSize - 1) / blockSize;
        for (int i = 0; i < blocks; i++) {
            free.add(i);
        }
        Collections.shuffle(free, new Random(seed));
        for (int i = 0; i < sequences; i++) {
            tables.add(new ArrayList<>());
        }
        lengths = new int[sequences];
    }

    /** The token of a sequence at a position: the same in every batch. */
    public int token(int sequence, int position) {
        return new Random(31L * sequence + 1_000_003L * position).nextInt(vocab);
    }

    /** The blocks of a sequence, in order of position. */
    public List<Integer> blocks(int sequence) {
        return List.copyOf(tables.get(sequence));
    }

    /** The next {@code counts[s]} tokens of each sequence s that has any; logits of every token. */
    public StepBatch next(int... counts) {
        int total = Arrays.stream(counts).sum();
        var b = new StepBatch(total, counts.length, total, maxBlocks);
        for (int s = 0; s < counts.length; s++) {
            if (counts[s] == 0) {
                continue;
            }
            for (int i = 0; i < counts[s]; i++) {
                int position = lengths[s]++;
                if (position % blockSize == 0) {
                    tables.get(s).add(free.removeLast());
                }
                b.tokenIds[b.tokens] = token(s, position);
                b.positions[b.tokens] = position;
                b.kvSlots[b.tokens] = tables.get(s).get(position / blockSize) * blockSize + position % blockSize;
                b.logitRow[b.tokens] = b.tokens;
                b.tokens++;
            }
            int n = b.sequences++;
            b.queryStart[n + 1] = b.tokens;
            b.contextLength[n] = lengths[s];
            b.sequenceSlot[n] = s;
            b.ropeLength[n] = ROPE_LENGTH * (s + 1);
            for (int i = 0; i < tables.get(s).size(); i++) {
                b.blockTable[n * maxBlocks + i] = tables.get(s).get(i);
            }
        }
        b.logitRows = b.tokens;
        return b;
    }
}
