package io.jllm.tokenizer.subword;

import java.util.Arrays;
import java.util.function.IntConsumer;

/** Collects ids. */
final class Ids implements IntConsumer {
    private int[] ids;
    private int size;

    Ids(int expected) {
        ids = new int[expected];
    }

    @Override
    public void accept(int id) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, size + size / 2 + 8);
        }
        ids[size++] = id;
    }

    int[] toArray() {
        return Arrays.copyOf(ids, size);
    }
}
