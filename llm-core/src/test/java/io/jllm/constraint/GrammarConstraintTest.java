package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Grammars in llama.cpp's notation, regular expressions and choices: what they accept, what they refuse, and that they end. */
class GrammarConstraintTest {
    private static void check(Constraint c, List<String> accepted, List<String> refused) {
        accepted.forEach(t -> assertTrue(c.accepts(t), () -> c + " accepts " + t));
        refused.forEach(t -> assertFalse(c.accepts(t), () -> c + " refuses " + t));
    }

    private static void grammar(String gbnf, List<String> accepted, List<String> refused) {
        check(Constraint.grammar(gbnf), accepted, refused);
    }

    private static void refused(String message, Runnable made) {
        String said = assertThrows(IllegalArgumentException.class, made::run).getMessage();
        assertTrue(said.contains(message), said);
    }

    @Test
    void expressions() {
        grammar("""
                # sums and products
                root ::= sum "\\n"?
                sum ::= product ws (("+" | "-") ws product)*
                product ::= part ws (("*" | "/") ws part)*   # parts
                part ::= [0-9]+ | name | "(" sum ")" | name ws "(" (sum ("," ws sum)*)? ")"
                name ::= [a-zA-Z_] [a-zA-Z0-9_]*
                ws ::= [ \\t]?
                """, List.of("1", "x+10", "(a+b)*(c-d)", "f(g(x), h(y, z))", "12 * 3 - f()\n"), List.of("", "+", "1 +", "(a", "f(,)", "1)"));
    }

    @Test
    void repetitions() {
        grammar("root ::= \"a\"{3}", List.of("aaa"), List.of("aa", "aaaa", ""));
        grammar("root ::= \"ab\"{2,}", List.of("abab", "ababab"), List.of("ab", "aba"));
        grammar("root ::= [ab]{0,2} \"c\"", List.of("c", "abc", "bac"), List.of("aabc", "ab"));
        grammar("root ::= (\"a\" [0-9]{2}){2,3}", List.of("a01a02", "a01a02a03"), List.of("a01", "a01a02a03a04", "a1a2"));
        grammar("root ::= ((\"a\"?){2}){2} \"b\"*", List.of("", "aaaa", "b", "aabb"), List.of("aaaaa"));
        grammar("root ::= (\"x\"*)* \"y\"+?", List.of("", "xxx", "xyy"), List.of("yx"));
        grammar("root ::= item{1000,2000}\nitem ::= [a-c] | \"(\" item \")\"", List.of("a".repeat(1000), "(b)".repeat(2000)),
                List.of("a".repeat(999), "c".repeat(2001)));
        grammar("root ::= .{500,}", List.of("é".repeat(500)), List.of("é".repeat(499)));
    }

    @Test
    void emptyAlternativesAndRules() {
        grammar("root ::= \"a\" tail\ntail ::= | \"b\" tail", List.of("a", "abb"), List.of("", "ba"));
        grammar("root ::= (\"a\" | ) (| \"b\")", List.of("", "a", "b", "ab"), List.of("ba"));
        grammar("root ::= \"\" | \"x\"", List.of("", "x"), List.of("xx"));
        grammar("root ::= none \"z\"\nnone ::= \"\"", List.of("z"), List.of(""));
    }

    @Test
    void unicodeClasses() {
        grammar("root ::= [ぁ-ゟ]+", List.of("ひらがな"), List.of("カ", "a", ""));
        grammar("root ::= [^a-z\\n]+", List.of("ABC", "é", "😀"), List.of("a", "\n"));
        grammar("root ::= [\\u00e0-\\u00ff\\U0001F600-\\U0001F64F] \"\\x41\"", List.of("éA", "😀A"), List.of("eA", "é"));
        grammar("root ::= [\\]\\\\\\-] .", List.of("]x", "\\é", "-😀"), List.of("]", "a."));
    }

    @Test
    void rulesThatBeginWithThemselves() {
        grammar("root ::= root \"+\" [0-9] | [0-9]", List.of("1", "1+2+3"), List.of("+1", "1+", "12"));
        grammar("root ::= a\na ::= b \"x\" | \"1\"\nb ::= a \"y\" | c\nc ::= root \"z\" | \"2\"", List.of("1", "2x", "1yx", "1zx", "2xyxzx"),
                List.of("2", "1x", "x"));
        grammar("root ::= none root \"a\" | \"b\"\nnone ::= \"-\"?", List.of("b", "ba", "-baa", "--baa"), List.of("", "-a", "a"));
        grammar("root ::= root root | \"a\"", List.of("a", "a".repeat(40)), List.of("", "b"));
        grammar("root ::= root | \"a\"", List.of("a"), List.of("aa"));
    }

    @Test
    void ambiguousAndExplosiveOnesEnd() {
        grammar("root ::= s\ns ::= s s s | s s | \"a\" | \"\"", List.of("", "a".repeat(20)), List.of("ab"));
        grammar("root ::= s\ns ::= \"a\" s \"b\" | \"a\" t \"c\" | \"\"\nt ::= \"a\" s \"b\" | \"a\" t \"c\" | \"\"",
                List.of("a".repeat(60) + "bc".repeat(30)), List.of("a".repeat(60) + "b".repeat(59)));
        check(Constraint.regex("(a+)+b"), List.of("a".repeat(2000) + "b"), List.of("a".repeat(2000)));
        check(Constraint.regex("(a|aa)*(a|b)*c"), List.of("a".repeat(500) + "c"), List.of("a".repeat(500)));
        check(Constraint.regex("(a|b)*a(a|b){30}"), List.of("a" + "b".repeat(30)), List.of("b".repeat(31)));
        check(Constraint.regex("((a{1,9}){1,9}){1,9}"), List.of("a".repeat(100)), List.of(""));
        String nested = "root ::= " + "(".repeat(120) + "\"a\"" + ")".repeat(120);
        grammar(nested, List.of("a"), List.of("aa"));
        refused("groups deeper", () -> Constraint.grammar("root ::= " + "(".repeat(5000) + "\"a\"" + ")".repeat(5000)));
    }

    @Test
    void tooManyWaysToReadATextAreRefused() {
        Constraint c = Constraint.grammar("root ::= s\ns ::= s s s | s s | \"a\" | \"\"");
        String said = assertThrows(IllegalStateException.class, () -> c.accepts("a".repeat(100_000))).getMessage();
        assertTrue(said.contains("too ambiguous"), said);
    }

    @Test
    void rightRecursionIsAsFastAsRepetition() {
        grammar("root ::= [a-z] root | \".\"", List.of("a".repeat(200_000) + "."), List.of("a".repeat(1000)));
    }

    @Test
    void waysToWriteRules() {
        grammar("# of words\r\nroot ::=\n  word-2 ( \"-\" word-2\n    | \"+\" # a sum\n      word-2 )*\nword-2\t::= [a-c]+ # no end of line",
                List.of("a", "a-bc+c"), List.of("", "-a", "a-", "d"));
        grammar("root ::= x|y | z\nx ::= \"1\"\ny::=\"2\"\nz ::= \"3\" \"4\"", List.of("1", "2", "34"), List.of("3", "12"));
        grammar("root ::= \"\\\"\\\\\\n\\t\\r\\x7E\\u00e9\\U0001F535\"", List.of("\"\\\n\t\r~é🔵"), List.of("\"\\n\t\r~é🔵"));
        grammar("root ::= ... \"abc\" ...", List.of("abcabcabc", "aaaabcccc", "🔵🟠✅abc❌🟠🔵"),
                List.of("aaabcccc", "aaaaaabcccc", "aaaabccc", "aaaabccccc", "🔵🟠✅❌abc❌✅🟠🔵"));
    }

    @Test
    void quantifiersTogether() {
        grammar("root ::= cons+ vowel* cons? (vowel cons)*\nvowel ::= [aeiouy]\ncons ::= [b-df-hj-np-tv-xz]",
                List.of("s", "no", "noyes", "brrr", "nobab"), List.of("", "yo", "noyesi", "aa"));
        grammar("root ::= (\"0x\" [A-F0-9]{2} \" \"?){3,5}", List.of("0xFF 0x12 0xAB", "0xFF0x120xAB0x000x00"),
                List.of("", "0xFF", "0xFF 0x12", "0xFF 0x12 0xAB 0x00 0x00 0x00", "0xF 0x12 0xAB", "0xff 0x12 0xAB"));
        grammar("root ::= ( [x]* )*", List.of("", "x", "xx"), List.of("y", "xy"));
        grammar("root ::= (([x]*){0,3} | [y]+)* ([z]?)+", List.of("", "xyxyz", "zz"), List.of("zx"));
        grammar("root ::= (a{2} b?){2,} | (\"\"){3} \"c\"\na ::= \"a\" | b{2}\nb ::= \"b\"", List.of("aaaa", "aabaab", "bbaaa", "c", "abbabbb"),
                List.of("aa", "aaa", "b", "bbbbb", "cc"));
        grammar("root ::= \"a\"{0,5000} [b]{5000,6000}", List.of("b".repeat(5000), "a".repeat(5000) + "b".repeat(6000)),
                List.of("b".repeat(4999), "a".repeat(5001) + "b".repeat(5000)));
        Constraint explosive = Constraint.grammar("root ::= (((((([^x]*){0,99}){0,99}){0,99}){0,99}){0,99}){0,99}");
        check(explosive, List.of(""), List.of("x"));
        String said = assertThrows(IllegalStateException.class, () -> explosive.accepts("y".repeat(5000))).getMessage();
        assertTrue(said.contains("too ambiguous"), said);
    }

    @Test
    void negatedAndMixedClasses() {
        grammar("root ::= \"a\" | [bdx-z] | [^1-3]", List.of("a", "d", "y", "é", "4", "\n"), List.of("1", "3", "", "ab"));
        grammar("root ::= [^\"\\\\\\x00-\\x1F]+", List.of("东京 🔵", " "), List.of("\"", "\\", "\u0001", "a\n"));
        grammar("root ::= [^\\u4e00-\\u9fff😀]{2}", List.of("ab", "é😁"), List.of("东a", "😀a", "a", "abc"));
        grammar("root ::= [^a-zA-Z]* [\\^^-]", List.of("^", "12-", "--^"), List.of("a^", "1"));
    }

    @Test
    void leftRecursionThroughOthers() {
        grammar("root ::= s\ns ::= \"a\" | f \"b\"\nf ::= \"c\" | s \"d\" | \"e\"", List.of("a", "cb", "eb", "adb", "cbdbdb"), List.of("c", "ad", "dba"));
        grammar("root ::= s\ns ::= \"a\" | f \"b\"\nf ::= \"c\" | none s \"d\" | \"e\"\nnone ::= \"blah\" |",
                List.of("a", "cb", "adb", "blahadb", "blahblahadbdb"), List.of("blaha", "c", "blahcb", "db"));
    }

    @Test
    void wrongGrammarsAreRefused() {
        refused("line 1", () -> Constraint.grammar("root ::= \"a\"{,}"));
        refused("line 1", () -> Constraint.grammar("root ::= \"a\"{"));
        refused("at most 1000000", () -> Constraint.grammar("root ::= \"a\"{1000001}"));
        refused("no rule is named root", () -> Constraint.grammar(""));
        refused("no rule is named root", () -> Constraint.grammar("rot ::= \"a\""));
        refused("no rule named numero", () -> Constraint.grammar("root ::= term (\"+\" term)*\nterm ::= numero\nnumber ::= [0-9]+"));
        refused("line 1", () -> Constraint.grammar("root := \"a\""));
        refused("line 1", () -> Constraint.grammar("root ::= (\"a\""));
        refused("line 1", () -> Constraint.grammar("root ::= [a"));
        refused("line 1", () -> Constraint.grammar("root ::= \"\\q\""));
        refused("no rule is named root", () -> Constraint.grammar("a ::= \"b\""));
        refused("no rule named b", () -> Constraint.grammar("root ::= b"));
        refused("line 2", () -> Constraint.grammar("root ::= a\na ::= \"b"));
        refused("twice", () -> Constraint.grammar("root ::= \"a\"\nroot ::= \"b\""));
        refused("no finite text", () -> Constraint.grammar("root ::= \"a\" root"));
        refused("no finite text", () -> Constraint.grammar("root ::= [] \"a\""));
        refused("out of order", () -> Constraint.grammar("root ::= [z-a]"));
        refused("out of order", () -> Constraint.grammar("root ::= \"a\"{3,2}"));
        refused("nothing before", () -> Constraint.grammar("root ::= *"));
        refused("write its id", () -> Constraint.grammar("root ::= <think>"));
        refused("not supported", () -> Constraint.grammar("root ::= !<[11]>*"));
    }

    @Test
    void regularExpressions() {
        check(Constraint.regex("^\\d{3}-[A-Z]+(?:x|yy)?$"), List.of("123-AB", "000-Zyy"), List.of("12-A", "123-", "123-Ax "));
        check(Constraint.regex("\\w+@\\w+\\.com"), List.of("a_1@b.com"), List.of("é@b.com"));
        check(Constraint.regex("[^\\s\\d]\\u{1F600}\\x41"), List.of("x😀A"), List.of("1😀A"));
        check(Constraint.regex("\\p{Lu}\\P{L}"), List.of("É1"), List.of("é1", "ÉÉ"));
        check(Constraint.regex("a{2,3}?|b*?"), List.of("aa", "aaa", "", "bb"), List.of("a"));
        refused("lookahead", () -> Constraint.regex("a(?=b)"));
        refused("back references", () -> Constraint.regex("(a)\\1"));
        refused("word boundaries", () -> Constraint.regex("\\ba"));
        refused("no flags", () -> Constraint.regex("(?i)a"));
        refused("repetition of a repetition", () -> Constraint.regex("a++"));
        refused("group without end", () -> Constraint.regex("(a"));
        refused("begin only", () -> Constraint.regex("a^b"));
    }

    @Test
    void choices() {
        check(Constraint.choices(List.of("yes", "no", "yesterday")), List.of("yes", "no", "yesterday"), List.of("", "ye", "yesno"));
        refused("at least one", () -> Constraint.choices(List.of()));
        assertEquals("choices [a]", Constraint.choices(List.of("a")).toString());
    }
}
