package io.jllm.jmh;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.jmh.kernels.Soak;
import org.junit.jupiter.api.Test;

/** The soak finds nothing in a second, and says how it is used. */
class SoakTest {
    @Test
    void aSecond() throws Exception {
        assertEquals(0, Soak.run("1", "5"));
        assertEquals(2, Soak.run());
    }
}
