package io.jllm.grammar.regex;

import io.jllm.grammar.CodePoints;
import io.jllm.grammar.Expr;
import java.util.List;

/** A parsed regular expression. Immutable. */
public sealed interface Regex {
    Regex EMPTY = new Seq(List.of());
    Regex ANYTHING = new Repeat(new Chars(CodePoints.ALL), 0, Expr.Repeat.UNLIMITED);

    /** One code point of a set. */
    record Chars(CodePoints set) implements Regex {
    }

    record Seq(List<Regex> parts) implements Regex {
        public Seq {
            parts = List.copyOf(parts);
        }
    }

    record Choice(List<Regex> options) implements Regex {
        public Choice {
            options = List.copyOf(options);
        }
    }

    /** Bounds as in {@link Expr.Repeat}. */
    record Repeat(Regex part, int least, int most) implements Regex {
    }

    /** The begin of the text. */
    record Begin() implements Regex {
    }

    /** The end of the text. */
    record End() implements Regex {
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException if it is none, or has what no automaton can do; the message names it, its place and what to write
     */
    static Regex parse(String pattern) {
        return new RegexParser(pattern).parse();
    }

    /** For a literal text. */
    static Regex literal(String text) {
        return new Seq(text.codePoints().mapToObj(c -> (Regex) new Chars(CodePoints.of(c))).toList());
    }

    /** Texts that have a text of this one somewhere: how JSON schema reads a pattern. */
    default Regex anywhere() {
        return new Seq(List.of(ANYTHING, this, ANYTHING));
    }
}
