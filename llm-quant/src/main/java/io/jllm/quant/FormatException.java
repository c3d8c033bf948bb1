package io.jllm.quant;

import java.util.Locale;

/**
 * A file breaks its format, or holds what this version cannot read. The message names the file, the place in it (a key, a
 * tensor, a header field), the value found and what it should be.
 */
public final class FormatException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;
    private static final int MAX_PLACE = 200;
    private static final int MAX_PROBLEM = 2000;

    /**
     * Something is wrong at one place of a file.
     *
     * @param file the file, as the user named it
     * @param place the key, tensor or field
     * @param problem the value found and the limit that it breaks
     */
    public FormatException(String file, String place, String problem) {
        super(message(file, place, problem));
    }

    /** As the other, on top of what a parser said. */
    public FormatException(String file, String place, String problem, Throwable cause) {
        super(message(file, place, problem), cause);
    }

    private static String message(String file, String place, String problem) {
        return file + ": " + oneLine(place, MAX_PLACE) + " " + oneLine(problem, MAX_PROBLEM);
    }

    /**
     * A text that may hold anything, as names in broken files do, as people can read it: control characters are written as Java writes them,
     * and it is cut where it is too long.
     *
     * @param max characters, before they are written so
     */
    public static String oneLine(String text, int max) {
        var out = new StringBuilder(Math.min(text.length(), max));
        text.codePoints().limit(max).forEach(c -> {
            switch (Character.getType(c)) {
                case Character.CONTROL, Character.SURROGATE, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.UNASSIGNED ->
                    out.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : String.format(Locale.ROOT, "\\u%04x", c));
                default -> out.appendCodePoint(c);
            }
        });
        return out.append(text.codePointCount(0, text.length()) > max ? "..." : "").toString();
    }
}
