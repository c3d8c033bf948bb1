package io.jllm.sampling;

/** Finds the k highest logits of a row, the lower index first among equals, with a heap of k entries whose root is the worst that stays. */
final class TopTokens {
    private long[] heap = new long[0];

    /**
     * Finds the k highest logits.
     *
     * @param row logits, none NaN
     * @param n how many of them count
     * @param k from 1 to n
     * @return the index of the last of them, in order of logit and then of index
     */
    int select(float[] row, int n, int k) {
        if (heap.length < k) {
            heap = new long[k];
        }
        for (int i = 0; i < k; i++) {
            heap[i] = key(row[i], i);
        }
        for (int i = k / 2 - 1; i >= 0; i--) {
            siftDown(i, k);
        }
        float worst = row[index(heap[0])];
        for (int i = k; i < n; i++) {
            if (row[i] > worst) { // an equal one stands later, so it stays out
                heap[0] = key(row[i], i);
                siftDown(0, k);
                worst = row[index(heap[0])];
            }
        }
        return index(heap[0]);
    }

    /** Writes the indices that the last {@link #select} of the same k found, best first. */
    void write(int k, int[] indices, int at) {
        for (int n = k - 1; n >= 0; n--) {
            indices[at + n] = index(heap[0]);
            heap[0] = heap[n];
            siftDown(0, n);
        }
    }

    private void siftDown(int at, int n) {
        long moving = heap[at];
        int i = at;
        for (int child = 2 * i + 1; child < n; child = 2 * i + 1) {
            if (child + 1 < n && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= moving) {
                break;
            }
            heap[i] = heap[child];
            i = child;
        }
        heap[i] = moving;
    }

    /** Signed order is that of the logits, and from higher to lower indices among equals; the two zeros are one. */
    private static long key(float logit, int index) {
        int bits = Float.floatToRawIntBits(logit + 0f);
        int order = bits ^ bits >> 31 & Integer.MAX_VALUE;
        return (long) order << 32 | ~index & 0xFFFFFFFFL;
    }

    private static int index(long key) {
        return ~(int) key;
    }
}
