package io.jllm.quant;

/**
 * A file breaks its format, or holds what this version cannot read. The message names the file, the place in it (a key, a
 * tensor, a header field), the value found and what it should be.
 */
public final class FormatException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    /**
     * Something is wrong at one place of a file.
     *
     * @param file the file, as the user named it
     * @param place the key, tensor or field
     * @param problem the value found and the limit that it breaks
     */
    public FormatException(String file, String place, String problem) {
        super(file + ": " + place + " " + problem);
    }

    /** As the other, on top of what a parser said. */
    public FormatException(String file, String place, String problem, Throwable cause) {
        super(file + ": " + place + " " + problem, cause);
    }
}
