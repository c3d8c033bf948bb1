package io.jllm.quant.gguf;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/** Strings as one array of UTF-8: a vocabulary and its merges have some 400,000, which would take ten times the heap as objects. Immutable. */
final class PackedTexts extends AbstractList<String> implements RandomAccess {
    private final byte[] utf8;
    private final int[] ends;

    private PackedTexts(byte[] utf8, int[] ends) {
        this.utf8 = utf8;
        this.ends = ends;
    }

    /** {@code texts} itself if it is immutable for certain, a copy otherwise. */
    static List<String> copyOf(List<String> texts) {
        return texts instanceof PackedTexts ? texts : List.copyOf(texts);
    }

    /** The string; bytes that are not UTF-8 become U+FFFD. */
    @Override
    public String get(int index) {
        Objects.checkIndex(index, ends.length);
        int start = index == 0 ? 0 : ends[index - 1];
        return new String(utf8, start, ends[index] - start, StandardCharsets.UTF_8);
    }

    @Override
    public int size() {
        return ends.length;
    }

    /** For so many strings. */
    static final class Builder {
        private final int[] ends;
        private byte[] utf8 = new byte[256];
        private int count;
        private int used;

        Builder(int size) {
            ends = new int[size];
        }

        /** The next one. */
        void add(byte[] text) {
            if (used + text.length > utf8.length) {
                utf8 = Arrays.copyOf(utf8, Math.max(used + text.length, utf8.length + utf8.length / 2));
            }
            System.arraycopy(text, 0, utf8, used, text.length);
            used += text.length;
            ends[count++] = used;
        }

        PackedTexts build() {
            return new PackedTexts(Arrays.copyOf(utf8, used), ends);
        }
    }
}
