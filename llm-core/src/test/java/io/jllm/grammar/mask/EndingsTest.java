package io.jllm.grammar.mask;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.engine.LetterTokenizer;
import io.jllm.grammar.Grammar;
import io.jllm.grammar.automaton.Machine;
import io.jllm.grammar.automaton.State;
import io.jllm.grammar.regex.Regex;
import io.jllm.grammar.regex.RegexExpr;
import org.junit.jupiter.api.Test;

/** What is remembered about ends is forgotten with the states that it is about. */
class EndingsTest {
    @Test
    void forgottenStatesAreNotHeld() {
        var machine = new Machine(Grammar.of(RegexExpr.of(Regex.parse("([a-m]n?){0,200000}yz"))));
        var endings = new Endings(machine, TokenTable.of(new LetterTokenizer()));
        State at = machine.start();
        int b = machine.classOf('b');
        int times = 0;
        for (int i = 0; i < 150_000; i++) {
            int forgotten = machine.forgotten();
            at = machine.after(at, b);
            long before = endings.bytes();
            assertEquals(2, endings.tokens(at));
            if (machine.forgotten() > forgotten) {
                assertTrue(endings.bytes() < before / 10, endings.bytes() + " of " + before + " bytes are held");
                times++;
            }
        }
        assertTrue(times > 0);
    }
}
