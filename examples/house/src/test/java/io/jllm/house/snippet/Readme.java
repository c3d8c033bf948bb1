package io.jllm.house.snippet;

import io.jllm.house.Checkout;
import java.io.IOException;
import java.nio.file.Files;
import java.util.regex.Pattern;

/** A text in Markdown, with blocks of code. */
record Readme(String text) {
    private static final Pattern BLOCK = Pattern.compile("^```(\\w*)\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

    static Readme top(Checkout checkout) throws IOException {
        return new Readme(Files.readString(checkout.root().resolve("README.md")));
    }

    /** The first block in this language in which these words stand. */
    String block(String language, String words) {
        return BLOCK.matcher(text).results().filter(b -> b.group(1).equals(language) && b.group(2).contains(words)).map(b -> b.group(2)).findFirst()
                .orElseThrow(() -> new AssertionError("no block of '" + language + "' with '" + words + "'"));
    }
}
