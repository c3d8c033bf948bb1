package io.jllm.quant.file;

import java.util.regex.Pattern;

/** What a JSON parser complains of, for people who wrote the file and not the program: without the parser's advice to its callers. */
public final class JsonComplaint {
    private static final Pattern ADVICE = Pattern.compile("Use JsonReader\\.set\\S+ to accept malformed JSON");
    private static final Pattern CLASS_NAME = Pattern.compile("^(?:[a-z]\\w*\\.)+[A-Z]\\w*: ");

    private JsonComplaint() {
    }

    /** One line. */
    public static String of(Throwable e) {
        // a second line points to the parser's own manual
        String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return ADVICE.matcher(CLASS_NAME.matcher(first).replaceFirst("")).replaceAll("malformed JSON");
    }
}
