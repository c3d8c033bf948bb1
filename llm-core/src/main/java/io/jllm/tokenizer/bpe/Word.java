package io.jllm.tokenizer.bpe;

import java.util.Arrays;

/**
 * The symbols of a stretch of text, merged pair by pair: the lowest rank first, the leftmost of equal ones. Short ones are searched anew for
 * each merge; long ones keep their pairs in a heap, so that the work grows as the length by its logarithm. To be used again and again, by
 * one thread.
 */
final class Word {
    /** Up to this length searching is faster than a heap. */
    private static final int SHORT = 48;
    private static final int END = -1;

    private int[] symbols = new int[SHORT];
    private int size;
    /** For short ones, the rank of the pair that begins at each symbol. */
    private final int[] ranks = new int[SHORT];

    void clear() {
        size = 0;
    }

    void add(int symbol) {
        if (size == symbols.length) {
            symbols = Arrays.copyOf(symbols, Math.multiplyExact(2, size));
        }
        symbols[size++] = symbol;
    }

    int size() {
        return size;
    }

    int symbol(int at) {
        return symbols[at];
    }

    void merge(MergeTable table) {
        if (size <= SHORT) {
            mergeShort(table);
        } else {
            new Linked(table).merge();
        }
    }

    private void mergeShort(MergeTable table) {
        for (int i = 0; i + 1 < size; i++) {
            ranks[i] = table.rank(symbols[i], symbols[i + 1]);
        }
        while (size > 1) {
            int best = 0;
            for (int i = 1; i + 1 < size; i++) {
                if (ranks[i] < ranks[best]) {
                    best = i;
                }
            }
            if (ranks[best] == MergeTable.NONE) {
                return;
            }
            symbols[best] = table.result(symbols[best], symbols[best + 1]);
            size--;
            System.arraycopy(symbols, best + 2, symbols, best + 1, size - best - 1);
            System.arraycopy(ranks, best + 1, ranks, best, size - best - 1);
            if (best > 0) {
                ranks[best - 1] = table.rank(symbols[best - 1], symbols[best]);
            }
            if (best + 1 < size) {
                ranks[best] = table.rank(symbols[best], symbols[best + 1]);
            }
        }
    }

    /** The merging of a long one: symbols as a linked list, pairs in a heap by rank and place. */
    private final class Linked {
        private final MergeTable table;
        private final int[] next = new int[size];
        private final int[] previous = new int[size];
        private final PairHeap heap = new PairHeap(size);

        Linked(MergeTable table) {
            this.table = table;
        }

        void merge() {
            for (int i = 0; i < size; i++) {
                next[i] = i + 1 < size ? i + 1 : END;
                previous[i] = i - 1;
            }
            for (int i = 0; i + 1 < size; i++) {
                offer(i);
            }
            while (!heap.isEmpty()) {
                long top = heap.poll();
                int at = PairHeap.place(top);
                int right = symbols[at] == END ? END : next[at];
                // A pair of the same rank at the same place is as good as the one that was meant.
                if (right != END && table.rank(symbols[at], symbols[right]) == PairHeap.rank(top)) {
                    join(at, right);
                }
            }
            int kept = 0;
            for (int i = 0; i != END; i = next[i]) {
                symbols[kept++] = symbols[i];
            }
            size = kept;
        }

        private void join(int at, int right) {
            symbols[at] = table.result(symbols[at], symbols[right]);
            symbols[right] = END;
            next[at] = next[right];
            if (next[at] != END) {
                previous[next[at]] = at;
                offer(at);
            }
            if (previous[at] != END) {
                offer(previous[at]);
            }
        }

        /** Puts the pair that begins there into the heap, if it merges. */
        private void offer(int at) {
            int rank = table.rank(symbols[at], symbols[next[at]]);
            if (rank != MergeTable.NONE) {
                heap.add(rank, at);
            }
        }
    }
}
