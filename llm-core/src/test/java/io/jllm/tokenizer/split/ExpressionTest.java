package io.jllm.tokenizer.split;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The meaning is that of Oniguruma, which the oracle's tests compare; here what cannot be compared there. */
class ExpressionTest {
    private static List<String> pieces(Behavior behavior, Finder finder, String text) {
        var pieces = new ArrayList<String>();
        new Splitting(List.of(behavior.of(finder))).split(text, true, pieces::add);
        return pieces;
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"\\p{Han}+; a\u4f60\u597d; a,\u4f60\u597d", "\\p{^L}+; ab12; ab,12", "[[:digit:]]; a1b; a,1,b",
        "\\h+; xfFg; x,fF,g", "[]a]; b]a; b,],a", "a{,2}b; aaab; a,aab", "(?m:a.b); xaNb; x,aNb", "^b; aNb; aN,b",
        "\\p{Greek}; a\u03b1; a,\u03b1", "\\p{Lowercase_Letter}; Ab; A,b", "(?i)k; \u212ak; \u212a,k", "x*; axb; a,x,b"})
    void rubysSyntax(String expression, String text, String pieces) {
        assertEquals(List.of(pieces.split(",")),
                pieces(Behavior.ISOLATED, Expression.of(expression), text.replace('N', '\n')).stream().map(p -> p.replace('\n', 'N')).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"(((", "[a", "\\p{Klingon}", "a\\Kb", "(?~a)", "\\g<1>", "*a"})
    void whatCannotBeReadIsRefused(String expression) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Expression.of(expression));
        assertTrue(e.getMessage().contains(expression), e.getMessage());
    }

    /** Repeated groups take stack for every repetition; the JDK's matcher then ends with an Error. */
    @Test
    void tooLongATextForARepeatedGroupIsAnErrorThatSaysSo() {
        Expression expression = Expression.of("(?:a|b)+c");
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> pieces(Behavior.ISOLATED, expression, "ab".repeat(1_000_000)));
        assertTrue(e.getMessage().contains("(?:a|b)+c") && e.getMessage().contains("-Xss"), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"REMOVED; a,b", "ISOLATED; a,-,-,b,-", "CONTIGUOUS; a,--,b,-", "MERGED_WITH_PREVIOUS; a-,-,b-",
        "MERGED_WITH_NEXT; a,-,-b,-"})
    void behaviors(Behavior behavior, String pieces) {
        for (Finder finder : List.of(Expression.of("-"), Finder.each("-"), Finder.each(c -> c == '-'))) {
            assertEquals(List.of(pieces.split(",")), pieces(behavior, finder, "a--b-"));
        }
    }
}
