package io.jllm.tokenizer.subword;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;

/**
 * A token that is looked for in the text before the model sees it.
 *
 * @param special whether it is found only where special tokens are parsed
 * @param leftStrip whether it swallows white space before it
 * @param rightStrip whether it swallows white space after it
 * @param singleWord whether it is found only where no word goes on at either side
 * @param normalized whether it is found in the normalized text, written in its normalized form
 */
public record AddedToken(int id, String text, boolean special, boolean leftStrip, boolean rightStrip, boolean singleWord,
        boolean normalized) {
    /** Above every vocabulary in use; a broken file must not become a huge table. */
    public static final int MAX_ID = (1 << 24) - 1;
    /** The id of a token that has none yet. */
    private static final int NO_ID = -1;

    /** A special one, found wherever it stands, swallowing nothing; without an id. */
    public static AddedToken special(String text) {
        return new AddedToken(NO_ID, text, true, false, false, false, false);
    }

    /** From an object with {@code content} and what else there is to say; without an id. */
    public static AddedToken of(ConfigJson json) {
        String text = json.text("content").orElseThrow(() -> new ModelLoadException(json.name("content") + " is missing"));
        boolean special = json.bool("special").orElse(false);
        return new AddedToken(NO_ID, text, special, json.bool("lstrip").orElse(false), json.bool("rstrip").orElse(false),
                json.bool("single_word").orElse(false), json.bool("normalized").orElse(!special));
    }

    public AddedToken withId(int number) {
        return new AddedToken(number, text, special, leftStrip, rightStrip, singleWord, normalized);
    }

    /**
     * Whether it stands in brackets, as {@code <think>}, {@code [INST]} and {@code <tool_call>} do, be it special or not: so templates write what
     * steers a model, and users must not. Runs of blanks and digits, and words, are mere text.
     */
    boolean steers() {
        return text.length() > 2 && "<[{|\uFF5C".indexOf(text.charAt(0)) >= 0 && ">]}|\uFF5C".indexOf(text.charAt(text.length() - 1)) >= 0
                && text.codePoints().anyMatch(Character::isLetter);
    }

    /** The same, but special. */
    public AddedToken asSpecial() {
        return new AddedToken(id, text, true, leftStrip, rightStrip, singleWord, normalized);
    }
}
