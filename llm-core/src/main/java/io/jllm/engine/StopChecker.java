package io.jllm.engine;

import java.util.List;

/**
 * Finds stop strings in text that comes in pieces. Text that may be the beginning of a stop string is held back, so that no
 * part of one is ever let out.
 */
final class StopChecker {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private String matched;

    StopChecker(List<String> stops) {
        this.stops = stops;
    }

    /** Adds a piece; returns the text that is now certain to be before any stop string. */
    String push(String piece) {
        if (matched != null) {
            return "";
        }
        if (stops.isEmpty()) {
            return piece;
        }
        held.append(piece);
        int at = Integer.MAX_VALUE;
        for (String stop : stops) {
            int found = held.indexOf(stop);
            if (found >= 0 && (found < at || found == at && stop.length() > matched.length())) {
                at = found;
                matched = stop;
            }
        }
        return take(matched != null ? at : held.length() - undecided());
    }

    /** The stop string that was found; null if none was. */
    String matched() {
        return matched;
    }

    /** What is held back, when no more text can come. */
    String finish() {
        return matched != null ? "" : take(held.length());
    }

    private String take(int count) {
        String out = held.substring(0, count);
        held.delete(0, count);
        return out;
    }

    /** Length of the longest end of the held text that begins a stop string. */
    private int undecided() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
                if (stop.startsWith(held.substring(held.length() - n))) {
                    longest = n;
                }
            }
        }
        return longest;
    }
}
