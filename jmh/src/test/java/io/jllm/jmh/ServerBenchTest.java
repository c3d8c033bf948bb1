package io.jllm.jmh;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jllm.jmh.server.ServerBench;
import org.junit.jupiter.api.Test;

/** What the server's benchmark takes; {@code LoadTest} of the server does what it does. */
class ServerBenchTest {
    @Test
    void saysWhatItTakes() throws Exception {
        assertEquals(2, ServerBench.run(new String[0], System.out));
        assertEquals(2, ServerBench.run(new String[] {"load", "1", "2"}, System.out));
        assertEquals(2, ServerBench.run(new String[] {"first-byte", "x"}, System.out));
        assertEquals(2, ServerBench.run(new String[] {"other", "1"}, System.out));
    }
}
