package io.jllm.jmh;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.jmh.grammar.Masks;
import org.junit.jupiter.api.Test;

/** All answers are accepted along all schemas, and it says how it is used. */
class MasksTest {
    @Test
    void aRound() {
        assertEquals(0, Masks.run("demo", "1"));
        assertEquals(2, Masks.run());
    }
}
