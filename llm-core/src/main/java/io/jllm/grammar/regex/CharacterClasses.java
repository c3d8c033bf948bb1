package io.jllm.grammar.regex;

import io.jllm.grammar.CodePoints;
import java.util.Map;
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

    /** General categories by the long names that ECMA takes from Unicode. */
    private static final Map<String, String> CATEGORIES = Map.ofEntries(Map.entry("Letter", "L"), Map.entry("Uppercase_Letter", "Lu"),
            Map.entry("Lowercase_Letter", "Ll"), Map.entry("Titlecase_Letter", "Lt"), Map.entry("Modifier_Letter", "Lm"),
            Map.entry("Other_Letter", "Lo"), Map.entry("Mark", "M"), Map.entry("Combining_Mark", "M"), Map.entry("Nonspacing_Mark", "Mn"),
            Map.entry("Spacing_Mark", "Mc"), Map.entry("Enclosing_Mark", "Me"), Map.entry("Number", "N"), Map.entry("Decimal_Number", "Nd"),
            Map.entry("digit", "Nd"), Map.entry("Letter_Number", "Nl"), Map.entry("Other_Number", "No"), Map.entry("Punctuation", "P"),
            Map.entry("punct", "P"), Map.entry("Connector_Punctuation", "Pc"), Map.entry("Dash_Punctuation", "Pd"),
            Map.entry("Open_Punctuation", "Ps"), Map.entry("Close_Punctuation", "Pe"), Map.entry("Initial_Punctuation", "Pi"),
            Map.entry("Final_Punctuation", "Pf"), Map.entry("Other_Punctuation", "Po"), Map.entry("Symbol", "S"), Map.entry("Math_Symbol", "Sm"),
            Map.entry("Currency_Symbol", "Sc"), Map.entry("Modifier_Symbol", "Sk"), Map.entry("Other_Symbol", "So"), Map.entry("Separator", "Z"),
            Map.entry("Space_Separator", "Zs"), Map.entry("Line_Separator", "Zl"), Map.entry("Paragraph_Separator", "Zp"), Map.entry("Other", "C"),
            Map.entry("Control", "Cc"), Map.entry("cntrl", "Cc"), Map.entry("Format", "Cf"), Map.entry("Private_Use", "Co"),
            Map.entry("Unassigned", "Cn"));

    private CharacterClasses() {
    }

    /** Those with a property of Unicode, by ECMA's names: categories ("L", "Lu", "Letter", "gc=Lu"), "Alphabetic", "Script=Greek". */
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

    private static java.util.function.IntPredicate category(String property) {
        String value = property.replaceFirst("^(General_Category|gc)=", "");
        String name = CATEGORIES.getOrDefault(value, value);
        if (!name.matches("[CLMNPSZ][a-zA-Z]?")) {
            throw unknown(property);
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
