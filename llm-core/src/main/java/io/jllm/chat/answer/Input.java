package io.jllm.chat.answer;

/**
 * Text that has come and is not yet taken. Reading goes ahead of taking, so that what only looked like a call can be read again as text.
 * Each character is looked at in its order, whatever pieces it came in.
 */
final class Input {
    private static final int ROOM = 1 << 12;

    private final StringBuilder text = new StringBuilder();
    private int taken;
    private int at;
    /** How far was ever read since {@link #forget}. */
    private int furthest;
    private boolean ended;

    void append(String more) {
        if (taken > ROOM && taken > text.length() / 2) {
            text.delete(0, taken);
            at -= taken;
            furthest -= taken;
            taken = 0;
        }
        text.append(more);
    }

    /** Nothing will follow. */
    void end() {
        ended = true;
    }

    boolean ended() {
        return ended;
    }

    boolean hasNext() {
        return at < text.length();
    }

    char peek() {
        return text.charAt(at);
    }

    /** Reads on; may be negative, to read characters again that are not taken. */
    void skip(int chars) {
        at += chars;
        furthest = Math.max(furthest, at);
    }

    /** What was read ahead does not count any more. */
    void forget() {
        furthest = at;
    }

    /** How many characters that are not taken were ever read since then, whether or not they are to be read again. */
    int readAhead() {
        return furthest - taken;
    }

    /** What is read and not taken. */
    String read() {
        return text.substring(taken, at);
    }

    /** Takes what is read. */
    String take() {
        String read = read();
        taken = at;
        return read;
    }

    /** Reads again from what is not taken. */
    void rewind() {
        at = taken;
    }

    /** How many characters of a marker stand here: all of them, fewer if the text ends within it, or none if it is not here. */
    int common(String marker) {
        int most = Math.min(marker.length(), text.length() - at);
        for (int i = 0; i < most; i++) {
            if (text.charAt(at + i) != marker.charAt(i)) {
                return 0;
            }
        }
        return most;
    }

    /** Whether nothing is behind so many characters from here. */
    boolean isLast(int chars) {
        return at + chars == text.length();
    }

    /** Whether white space or nothing is next; reads the white space. */
    boolean skipSpace() {
        while (hasNext() && isSpace(peek())) {
            skip(1);
        }
        return !hasNext();
    }

    static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
    }
}
