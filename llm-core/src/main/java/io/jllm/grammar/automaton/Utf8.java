package io.jllm.grammar.automaton;

import io.jllm.grammar.CodePoints;
import java.util.ArrayList;
import java.util.List;

/**
 * Sets of code points as sequences of byte ranges, the way that Ken Thompson's UTF-8 splits at each length and at each continuation byte
 * that is not whole.
 */
public final class Utf8 {
    private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

    private Utf8() {
    }

    /** For each sequence first and last byte of each place, in turn. No text is in two of them. */
    public static List<int[]> sequences(CodePoints set) {
        List<int[]> out = new ArrayList<>();
        for (int i = 0; i < set.ranges(); i++) {
            int first = set.first(i);
            for (int length = 1; length <= 4 && first <= set.last(i); length++) {
                if (first <= LAST_OF_LENGTH[length - 1]) {
                    int last = Math.min(set.last(i), LAST_OF_LENGTH[length - 1]);
                    split(first, last, length, out);
                    first = last + 1;
                }
            }
        }
        return out;
    }

    /** Cuts a range until all but its first different byte is whole. */
    private static void split(int first, int last, int length, List<int[]> out) {
        for (int place = 1; place < length; place++) {
            int low = (1 << 6 * place) - 1;
            if ((first & ~low) != (last & ~low)) {
                if ((first & low) != 0) {
                    split(first, first | low, length, out);
                    split((first | low) + 1, last, length, out);
                    return;
                }
                if ((last & low) != low) {
                    split(first, (last & ~low) - 1, length, out);
                    split(last & ~low, last, length, out);
                    return;
                }
            }
        }
        byte[] from = Character.toString(first).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        byte[] to = Character.toString(last).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        int[] sequence = new int[2 * length];
        for (int i = 0; i < length; i++) {
            sequence[2 * i] = from[i] & 0xFF;
            sequence[2 * i + 1] = to[i] & 0xFF;
        }
        out.add(sequence);
    }
}
