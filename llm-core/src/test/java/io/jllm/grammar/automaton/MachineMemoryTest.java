package io.jllm.grammar.automaton;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.grammar.Grammar;
import io.jllm.grammar.regex.Regex;
import io.jllm.grammar.regex.RegexExpr;
import org.junit.jupiter.api.Test;

/** What a machine remembers has an end, which nobody notices but by the time that it takes. */
class MachineMemoryTest {
    private static final long LIMIT = 16L << 20;

    @Test
    void tooManyStatesAreForgotten() {
        var machine = new Machine(Grammar.of(RegexExpr.of(Regex.parse("([a-m]n?){0,200000}z"))));
        State at = machine.start();
        int a = machine.classOf('a');
        State few = machine.after(at, a);
        assertSame(few, machine.after(at, a), "it is remembered");
        for (int i = 0; i < 150_000; i++) {
            at = machine.after(at, a);
            assertTrue(machine.bytes() <= LIMIT);
        }
        assertTrue(machine.forgotten() > 0, "150,000 states fit into " + LIMIT + " bytes");
        assertTrue(machine.matches("an".repeat(1000) + "z"));
        assertFalse(machine.matches("ann".repeat(1000) + "z"));
        assertTrue(machine.after(at, machine.classOf('z')).last(), "a text goes on where it stood");
        assertTrue(machine.after(machine.after(few, machine.classOf('n')), machine.classOf('z')).mayEnd());
        assertTrue(machine.after(at, machine.classOf('y')).dead());
    }
}
