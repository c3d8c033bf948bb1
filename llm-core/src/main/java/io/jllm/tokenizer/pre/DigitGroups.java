package io.jllm.tokenizer.pre;

import io.jllm.tokenizer.split.Finder;
import io.jllm.tokenizer.subword.Words;
import java.util.function.IntPredicate;

/**
 * Cuts a text in runs of digits, every three from the right. What stands between runs is not set apart: it stays with the group before or
 * after it. Source: llama.cpp ({@code unicode.cpp}, the digits of AFMoE; {@code llama-vocab.cpp}, SuperBPE).
 */
final class DigitGroups implements Finder {
    private static final int GROUP = 3;

    private final IntPredicate digit;
    /** Whether a run is cut at its end, rather than where a full group begins it. */
    private final boolean cutsEnds;

    private DigitGroups(IntPredicate digit, boolean cutsEnds) {
        this.digit = digit;
        this.cutsEnds = cutsEnds;
    }

    /** All numbers count, and each group ends a piece. */
    static DigitGroups ofNumbers() {
        return new DigitGroups(Words::isNumeric, true);
    }

    /** ASCII digits count, and each full group begins a piece. */
    static DigitGroups ofDigits() {
        return new DigitGroups(c -> c >= '0' && c <= '9', false);
    }

    @Override
    public void find(String text, Sink sink) {
        int done = 0;
        for (int at = 0; at < text.length(); ) {
            int count = 0;
            int end = at;
            for (int c; end < text.length() && digit.test(c = text.codePointAt(end)); count++) {
                end += Character.charCount(c);
            }
            if (count == 0) {
                at += Character.charCount(text.codePointAt(at));
                continue;
            }
            for (int left = count; left >= 0; left--) { // so many digits stand after this place
                boolean edge = cutsEnds ? left < count : left > 0;
                if (left % GROUP == 0 && edge) {
                    sink.stretch(done, at, true);
                    done = at;
                }
                at += left > 0 ? Character.charCount(text.codePointAt(at)) : 0;
            }
        }
        sink.stretch(done, text.length(), true);
    }
}
