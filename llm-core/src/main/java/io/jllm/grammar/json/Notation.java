package io.jllm.grammar.json;

import io.jllm.grammar.CodePoints;

/**
 * How values are written: as JSON, or as a syntax of calls has it.
 *
 * @param plain characters that stand for themselves in a string
 * @param escapes letters of the escapes that stand for one character each
 * @param pairs whether characters beyond 16 bits may be written by two escapes
 * @param nothing the word for null
 * @param yes the word for true
 * @param no the word for false
 */
record Notation(CodePoints plain, String escapes, boolean pairs, String nothing, String yes, String no) {
    private static final CodePoints PLAIN = CodePoints.range(' ', Character.MAX_CODE_POINT).minus(CodePoints.anyOf("\"\\"));

    static final Notation JSON = new Notation(PLAIN, "\"\\/bfnrt", true, "null", "true", "false");
    /** As Python's literals are, with the escapes that mean the same in JSON. */
    static final Notation PYTHON = new Notation(PLAIN, "\"\\bfnrt", false, "None", "True", "False");
    /** JSON between tags: no string looks like the end of one. */
    static final Notation BETWEEN_TAGS = new Notation(PLAIN.minus(CodePoints.of('<')), "\"\\/bfnrt", true, "null", "true", "false");
}
