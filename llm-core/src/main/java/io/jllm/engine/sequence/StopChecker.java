package io.jllm.engine.sequence;

import java.util.BitSet;
import java.util.List;

/**
 * Finds stop strings in text that comes in pieces. Text that may be the beginning of a stop string is held back, so that no
 * part of one is ever let out.
 */
final class StopChecker {
    private final StopStrings stops;
    /** What is held back, special tokens written out. */
    private final StringBuilder held = new StringBuilder();
    /** Which characters of it are those of special tokens, and so no part of the text. */
    private BitSet hidden = new BitSet();
    /** A stop string that is complete within so many characters of it came too early to count. */
    private int early;
    private String matched;

    StopChecker(StopStrings stops) {
        this.stops = stops;
    }

    /**
     * Adds a piece; returns the text that is now certain to be before any stop string.
     *
     * @param text of the piece
     * @param special a special token after it, as it is written; empty if there is none
     * @param counts whether a stop string that this piece completes counts
     */
    String push(String text, String special, boolean counts) {
        if (matched != null) {
            return "";
        }
        if (stops.isEmpty()) {
            return text;
        }
        held.append(text).append(special);
        hidden.set(held.length() - special.length(), held.length());
        if (!counts) {
            early = held.length();
        }
        String shown = shown(held.length());
        int at = Integer.MAX_VALUE;
        for (String stop : stops.special()) {
            at = better(stop, held.indexOf(stop, Math.max(0, early + 1 - stop.length())), at);
        }
        int earlyShown = early - hidden.get(0, early).cardinality();
        for (String stop : stops.plain()) {
            at = better(stop, place(shown.indexOf(stop, Math.max(0, earlyShown + 1 - stop.length()))), at);
        }
        if (matched == null) {
            at = Math.min(held.length() - undecided(held, stops.special()), place(shown.length() - undecided(shown, stops.plain())));
        }
        return take(at);
    }

    /** The stop string that was found; null if none was. */
    String matched() {
        return matched;
    }

    /** What is held back, when no more text can come. */
    String finish() {
        return matched != null ? "" : take(held.length());
    }

    /** Takes a stop string that was found before the best so far, or there too and is longer; returns where the best is now. */
    private int better(String stop, int found, int best) {
        if (found >= 0 && (found < best || found == best && stop.length() > matched.length())) {
            matched = stop;
            return found;
        }
        return best;
    }

    private String take(int count) {
        String out = shown(count);
        held.delete(0, count);
        hidden = hidden.get(count, Math.max(count, hidden.length()));
        early = Math.max(0, early - count);
        return out;
    }

    /** The text in the first so many characters held. */
    private String shown(int count) {
        if (hidden.isEmpty()) {
            return held.substring(0, count);
        }
        var text = new StringBuilder();
        for (int i = hidden.nextClearBit(0); i < count; i = hidden.nextClearBit(i + 1)) {
            text.append(held.charAt(i));
        }
        return text.toString();
    }

    /** Where a character of the text is in what is held; the end for the one after the last, and below 0 for one below 0. */
    private int place(int character) {
        int at = character < 0 ? character : hidden.nextClearBit(0);
        for (int i = 0; i < character; i++) {
            at = hidden.nextClearBit(at + 1);
        }
        return Math.min(at, held.length());
    }

    /** Length of the longest end of a text that begins a stop string. */
    private static int undecided(CharSequence text, List<String> stops) {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, text.length()); n > longest; n--) {
                if (stop.startsWith(text.subSequence(text.length() - n, text.length()).toString())) {
                    longest = n;
                }
            }
        }
        return longest;
    }
}
