package io.jllm.jinja.value;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A string, as Python has them: of code points. Each character knows whether the template wrote it, and so may be part of a special token,
 * or it is data: what a user, a tool or a model said. Strings are equal if their characters are, whoever wrote them. Immutable.
 */
public final class Str implements Value {
    static final int[] NO_CUTS = {};
    private static final Str EMPTY = new Str("", true, NO_CUTS);
    private static final int ASCII = 128;
    private static final Str[] TRUSTED_CHARACTERS = new Str[ASCII];
    private static final Str[] DATA_CHARACTERS = new Str[ASCII];

    static {
        for (char c = 0; c < ASCII; c++) {
            TRUSTED_CHARACTERS[c] = new Str(String.valueOf(c), true, NO_CUTS);
            DATA_CHARACTERS[c] = new Str(String.valueOf(c), false, NO_CUTS);
        }
    }

    private final String text;
    /** Of the first character. */
    private final boolean trusted;
    /** Where, in UTF-16 units, the origin changes: ascending, within the text. Mostly none. */
    private final int[] cuts;

    Str(String text, boolean trusted, int[] cuts) {
        this.text = text;
        this.trusted = trusted;
        this.cuts = cuts;
    }

    /** Written by the template, or by who is trusted as it is. */
    public static Str trusted(String text) {
        return text.isEmpty() ? EMPTY : new Str(text, true, NO_CUTS);
    }

    /** What someone else wrote. */
    public static Str data(String text) {
        return text.isEmpty() ? EMPTY : new Str(text, false, NO_CUTS);
    }

    private static Str of(String text, boolean trusted) {
        return trusted ? trusted(text) : data(text);
    }

    public String text() {
        return text;
    }

    public boolean isEmpty() {
        return text.isEmpty();
    }

    /** White space as Python's {@code str.isspace} knows it. */
    public static boolean isSpace(int c) {
        return c >= '\t' && c <= '\r' || c >= 0x1C && c <= ' ' || c == 0x85 || c > ASCII && Character.isSpaceChar(c);
    }

    /** Gets parts of a string that have one origin. */
    @FunctionalInterface
    public interface Runs {
        /** @param start where it begins, in UTF-16 units */
        void accept(int start, int end, boolean trusted);
    }

    /** Tells the parts of one origin between two places, in order. */
    public void runs(int from, int to, Runs sink) {
        boolean origin = trusted;
        int at = from;
        for (int cut : cuts) {
            if (cut >= to) {
                break;
            }
            if (cut > at) {
                sink.accept(at, cut, origin);
                at = cut;
            }
            origin = !origin;
        }
        if (at < to) {
            sink.accept(at, to, origin);
        }
    }

    /** Whether all of it is of one origin. */
    boolean isUniform() {
        return cuts.length == 0;
    }

    /** The origin of a string of one origin, data else. */
    public boolean isTrusted() {
        return trusted && cuts.length == 0;
    }

    private boolean isTrustedAt(int index) {
        int at = Arrays.binarySearch(cuts, index);
        int passed = at >= 0 ? at + 1 : -at - 1;
        return trusted ^ (passed & 1) == 1;
    }

    /** Number of code points. */
    public int length() {
        return text.codePointCount(0, text.length());
    }

    /** The place, in UTF-16 units, of a code point. */
    int unit(int codePoint) {
        return text.offsetByCodePoints(0, codePoint);
    }

    private boolean hasPairs() {
        return length() != text.length();
    }

    /** A part by UTF-16 units. */
    public Str part(int from, int to) {
        if (from >= to) {
            return EMPTY;
        }
        if (from == 0 && to == text.length()) {
            return this;
        }
        if (to == from + 1 && text.charAt(from) < ASCII) {
            return (isTrustedAt(from) ? TRUSTED_CHARACTERS : DATA_CHARACTERS)[text.charAt(from)];
        }
        if (cuts.length == 0) {
            return new Str(text.substring(from, to), trusted, NO_CUTS);
        }
        int[] inside = Arrays.stream(cuts).filter(c -> c > from && c < to).map(c -> c - from).toArray();
        return new Str(text.substring(from, to), isTrustedAt(from), inside);
    }

    /** A part by code points. */
    public Str slice(int from, int to) {
        return hasPairs() ? part(unit(from), unit(to)) : part(from, to);
    }

    /** Each code point as a string. */
    public List<Value> characters(Meter meter) {
        meter.steps(text.length());
        List<Value> all = new ArrayList<>(text.length());
        for (int i = 0; i < text.length(); ) {
            int next = i + Character.charCount(text.codePointAt(i));
            all.add(part(i, next));
            i = next;
        }
        return all;
    }

    /** Another text in the place of this one. Characters keep their origin if there are as many of them; else all are data if any was. */
    public Str mapped(UnaryOperator<String> change, Meter meter) {
        String changed = change.apply(text);
        meter.characters(changed.length());
        return cuts.length == 0 ? of(changed, trusted) : changed.length() == text.length() ? new Str(changed, trusted, cuts) : data(changed);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Str s && s.text.equals(text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    @Override
    public String toString() {
        return text;
    }
}
