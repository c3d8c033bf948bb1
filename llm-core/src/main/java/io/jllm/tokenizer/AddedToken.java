package io.jllm.tokenizer;

/**
 * A token that is looked for in the text before the model sees it.
 *
 * @param special whether it is found only where special tokens are parsed
 * @param leftStrip whether it swallows white space before it
 * @param rightStrip whether it swallows white space after it
 * @param singleWord whether it is found only where no word goes on at either side
 * @param normalized whether it is found in the normalized text, written in its normalized form
 */
record AddedToken(int id, String text, boolean special, boolean leftStrip, boolean rightStrip, boolean singleWord,
        boolean normalized) {
    /** Found wherever it stands, swallowing nothing. */
    static AddedToken plain(int id, String text, boolean special) {
        return new AddedToken(id, text, special, false, false, false, false);
    }
}
