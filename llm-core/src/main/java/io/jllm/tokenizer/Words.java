package io.jllm.tokenizer;

/** White space and words as regular expressions with Unicode rules ({@code \s} and {@code \w}) see them. */
final class Words {
    private Words() {
    }

    /** The property White_Space; all its characters are single chars. */
    static boolean isSpace(char c) {
        return c >= '\t' && c <= '\r' || c == '\u0085' || Character.isSpaceChar(c);
    }

    /** Whether a word goes on before the start or after the end of a stretch. */
    static boolean goOn(String text, int start, int end) {
        return start > 0 && isWord(text.codePointBefore(start)) || end < text.length() && isWord(text.codePointAt(end));
    }

    private static boolean isWord(int c) {
        return Character.isAlphabetic(c) || c == 0x200C || c == 0x200D || switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK,
                    Character.DECIMAL_DIGIT_NUMBER, Character.CONNECTOR_PUNCTUATION -> true;
            default -> false;
        };
    }
}
