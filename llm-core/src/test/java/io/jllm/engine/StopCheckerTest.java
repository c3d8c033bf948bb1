package io.jllm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopCheckerTest {
    @Test
    void holdsBackWhatMayBeginAStopString() {
        var c = new StopChecker(List.of("END", "\n\n"));
        assertEquals("one ", c.push("one E"));
        assertEquals("", c.push("N"));
        assertEquals("ENE", c.push("EE").substring(0, 3));
        assertEquals("E x", c.push(" x"));
        assertEquals("", c.push("\n"));
        assertEquals("", c.push("\nmore"));
        assertEquals("\n\n", c.matched());
        assertEquals("", c.finish());
    }

    @Test
    void letsGoOfWhatWasHeldAtTheEnd() {
        var c = new StopChecker(List.of("stop"));
        assertEquals("a", c.push("asto"));
        assertEquals("sto", c.finish());
        assertNull(c.matched());
    }

    @Test
    void theEarliestMatchWinsAndThenTheLongest() {
        var c = new StopChecker(List.of("bc", "bcd", "ab"));
        assertEquals("x", c.push("xabcd"));
        assertEquals("ab", c.matched());
        var d = new StopChecker(List.of("bc", "bcd"));
        assertEquals("a", d.push("abcd"));
        assertEquals("bcd", d.matched());
    }

    /** However the text is cut, what comes out is the text before the first stop string to be complete. */
    @Test
    void cutsDoNotMatter() {
        var random = new Random(5);
        for (int round = 0; round < 2000; round++) {
            var text = new StringBuilder();
            for (int i = random.nextInt(30); i > 0; i--) {
                text.append((char) ('a' + random.nextInt(2)));
            }
            String stop = text.length() < 4 ? "abb" : text.substring(1, 2 + random.nextInt(3));
            var c = new StopChecker(List.of(stop, "bbbb"));
            var out = new StringBuilder();
            for (int at = 0; at < text.length();) {
                int n = Math.min(text.length() - at, 1 + random.nextInt(3));
                out.append(c.push(text.substring(at, at + n)));
                assertEquals(-1, out.indexOf(stop));
                at += n;
            }
            out.append(c.finish());
            String whole = text.toString();
            if (c.matched() == null) {
                assertEquals(-1, whole.indexOf(stop));
                assertEquals(whole, out.toString());
            } else {
                assertEquals(whole.substring(0, whole.indexOf(c.matched())), out.toString());
            }
        }
    }
}
