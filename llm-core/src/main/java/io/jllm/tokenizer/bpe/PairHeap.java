package io.jllm.tokenizer.bpe;

import java.util.Arrays;

/** A heap of pairs by rank, then place: each a long, the rank above and the place below. */
final class PairHeap {
    private long[] heap;
    private int size;

    PairHeap(int expected) {
        heap = new long[expected];
    }

    static int rank(long pair) {
        return (int) (pair >> Integer.SIZE);
    }

    static int place(long pair) {
        return (int) pair;
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(int rank, int place) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size + size / 2 + 1);
        }
        long pair = (long) rank << Integer.SIZE | place;
        int at = size++;
        while (at > 0 && heap[at - 1 >> 1] > pair) {
            heap[at] = heap[at - 1 >> 1];
            at = at - 1 >> 1;
        }
        heap[at] = pair;
    }

    /** Takes the first. */
    long poll() {
        long first = heap[0];
        long last = heap[--size];
        int at = 0;
        for (int child; (child = 2 * at + 1) < size; at = child) {
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[at] = heap[child];
        }
        heap[at] = last;
        return first;
    }
}
