package io.jllm.grammar.regex;

import io.jllm.grammar.CodePoints;
import java.util.stream.IntStream;

/** The named classes of regular expressions, as ECMA-262 has them. */
final class CharacterClasses {
    static final CodePoints DIGIT = CodePoints.range('0', '9');
    static final CodePoints WORD = CodePoints.ofRanges('0', '9', 'A', 'Z', '_', '_', 'a', 'z');
    /** ECMA's WhiteSpace and LineTerminator. */
    static final CodePoints SPACE = CodePoints.ofRanges('\t', '\r', ' ', ' ', 0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029,
            0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000, 0xFEFF, 0xFEFF);
    /** All but ends of lines. */
    static final CodePoints DOT = CodePoints.ofRanges('\n', '\n', '\r', '\r', 0x2028, 0x2029).complement();

    private CharacterClasses() {
    }

    /** Those with a property of Unicode, by the names that Java and ECMA share: categories ("L", "Lu"), "Alphabetic", "Script=Greek". */
    static CodePoints property(String name) {
        java.util.function.IntPredicate has = switch (name) {
            case "Alphabetic", "Alpha" -> Character::isAlphabetic;
            case "Uppercase", "Upper" -> Character::isUpperCase;
            case "Lowercase", "Lower" -> Character::isLowerCase;
            case "Ideographic", "Ideo" -> Character::isIdeographic;
            case "Emoji" -> Character::isEmoji;
            case "White_Space", "space" -> c -> Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
            default -> name.startsWith("Script=") || name.startsWith("sc=") ? script(name) : category(name);
        };
        int[] members = IntStream.rangeClosed(0, Character.MAX_CODE_POINT).filter(has).flatMap(c -> IntStream.of(c, c)).toArray();
        return CodePoints.ofRanges(members);
    }

    private static java.util.function.IntPredicate script(String name) {
        try {
            var script = Character.UnicodeScript.forName(name.substring(name.indexOf('=') + 1));
            return c -> Character.UnicodeScript.of(c) == script;
        } catch (IllegalArgumentException e) {
            throw unknown(name);
        }
    }

    private static java.util.function.IntPredicate category(String name) {
        if (!name.matches("[CLMNPSZ][a-zA-Z]?")) {
            throw unknown(name);
        }
        var category = java.util.regex.Pattern.compile("\\p{" + checked(name) + "}").asMatchPredicate();
        return c -> category.test(Character.toString(c));
    }

    private static String checked(String name) {
        try {
            java.util.regex.Pattern.compile("\\p{" + name + "}");
            return name;
        } catch (java.util.regex.PatternSyntaxException e) {
            throw unknown(name);
        }
    }

    private static IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException("regular expression: property \\p{" + name + "} is not supported; supported are general categories"
                + " (L, Lu, Nd ...), Alphabetic, Uppercase, Lowercase, Ideographic, Emoji, White_Space and Script=name");
    }
}
