package io.jllm.engine.sequence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopCheckerTest {
    private static StopChecker checker(String... stops) {
        return new StopChecker(new StopStrings(List.of(stops), List.of(), Optional.empty()));
    }

    private static String push(StopChecker checker, String text) {
        return checker.push(text, "", true);
    }

    @Test
    void holdsBackWhatMayBeginAStopString() {
        var c = checker("END", "\n\n");
        assertEquals("one ", push(c, "one E"));
        assertEquals("", push(c, "N"));
        assertEquals("ENE", push(c, "EE").substring(0, 3));
        assertEquals("E x", push(c, " x"));
        assertEquals("", push(c, "\n"));
        assertEquals("", push(c, "\nmore"));
        assertEquals("\n\n", c.matched());
        assertEquals("", c.finish());
    }

    @Test
    void letsGoOfWhatWasHeldAtTheEnd() {
        var c = checker("stop");
        assertEquals("a", push(c, "asto"));
        assertEquals("sto", c.finish());
        assertNull(c.matched());
    }

    @Test
    void theEarliestMatchWinsAndThenTheLongest() {
        var c = checker("bc", "bcd", "ab");
        assertEquals("x", push(c, "xabcd"));
        assertEquals("ab", c.matched());
        var d = checker("bc", "bcd");
        assertEquals("a", push(d, "abcd"));
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
            var c = checker(stop, "bbbb");
            var out = new StringBuilder();
            for (int at = 0; at < text.length();) {
                int n = Math.min(text.length() - at, 1 + random.nextInt(3));
                out.append(push(c, text.substring(at, at + n)));
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

    @Test
    void specialTokensAreFoundAndNeverLetOut() {
        var c = new StopChecker(new StopStrings(List.of("ab"), List.of("<e>", "x<s>\n"), Optional.empty()));
        assertEquals("one ", c.push("one x", "", true));
        assertEquals("x", c.push("", "<u>", true) + c.push("a", "", true), "not what was waited for, after all");
        assertEquals("ay", c.push("y", "", true));
        assertEquals("", c.push("x", "", true));
        assertEquals("", c.push("", "<s>", true));
        assertEquals("", c.push("\n", "", true));
        assertEquals("x<s>\n", c.matched());
        var d = new StopChecker(new StopStrings(List.of("ab"), List.of("<e>"), Optional.empty()));
        assertEquals("", d.push("a", "<s>", true));
        assertEquals("", d.push("b", "<e>", true));
        assertEquals("ab", d.matched(), "a special token is no part of the text, and both came at once");
    }

    /** A stop string that ends within what came too early is passed over, one that only began there is not. */
    @Test
    void whatCameTooEarlyDoesNotCount() {
        var c = checker("king and", "aa");
        assertEquals("king and ", c.push("king and ", "", false));
        assertEquals("a", c.push("aa", "", false));
        assertEquals("", c.push("a", "", true));
        assertEquals("aa", c.matched());
        var d = checker("king and");
        assertEquals("the ", d.push("the king", "", false));
        assertEquals("", d.push(" and", "", true));
        assertEquals("king and", d.matched());
    }

    /** One that sees all pieces at once: for each, in the text and in the text with special tokens, where a stop string ends in it. */
    private record Plain(List<String> plain, List<String> special) {
        /** What is let out, and the stop string or nothing. */
        List<String> of(List<String[]> pieces, int early) {
            var text = new StringBuilder();
            var written = new StringBuilder();
            var textAt = new ArrayList<Integer>(); // of each character written, how much text is before it
            for (int i = 0; i < pieces.size(); i++) {
                int textBefore = text.length();
                int writtenBefore = written.length();
                for (char ch : pieces.get(i)[0].toCharArray()) {
                    textAt.add(text.length());
                    text.append(ch);
                    written.append(ch);
                }
                for (char ch : pieces.get(i)[1].toCharArray()) {
                    textAt.add(text.length());
                    written.append(ch);
                }
                if (i < early) {
                    continue;
                }
                var found = new ArrayList<int[]>(); // where written, less its length, which stop string
                for (int s = 0; s < plain.size(); s++) {
                    for (int end = textBefore + 1; end <= text.length(); end++) {
                        if (text.substring(0, end).endsWith(plain.get(s))) {
                            int at = end - plain.get(s).length();
                            int place = textAt.lastIndexOf(at);
                            found.add(new int[] {place, -plain.get(s).length(), s});
                        }
                    }
                }
                for (int s = 0; s < special.size(); s++) {
                    for (int end = writtenBefore + 1; end <= written.length(); end++) {
                        if (written.substring(0, end).endsWith(special.get(s))) {
                            int length = special.get(s).length();
                            found.add(new int[] {end - length, -length, plain.size() + s});
                        }
                    }
                }
                if (!found.isEmpty()) {
                    found.sort(Comparator.<int[]>comparingInt(f -> f[0]).thenComparingInt(f -> f[1]));
                    int[] first = found.getFirst();
                    String stop = first[2] < plain.size() ? plain.get(first[2]) : special.get(first[2] - plain.size());
                    return List.of(text.substring(0, textAt.get(first[0])), stop);
                }
            }
            return List.of(text.toString(), "");
        }
    }

    @Test
    void findsWhatALookAtTheWholeTextFinds() {
        var random = new Random(6);
        String[] tokens = {"<", "<>", "a<"};
        int stopped = 0;
        for (int round = 0; round < 20_000; round++) {
            var stops = new Plain(List.of(letters(random, 3), letters(random, 4)),
                    List.of(letters(random, 2) + tokens[random.nextInt(3)] + letters(random, 1), "<><"));
            var pieces = new ArrayList<String[]>();
            for (int i = random.nextInt(12); i > 0; i--) {
                pieces.add(random.nextInt(3) == 0 ? new String[] {"", tokens[random.nextInt(3)]}
                        : new String[] {letters(random, 2), random.nextInt(9) == 0 ? tokens[random.nextInt(3)] : ""});
            }
            int early = random.nextInt(5);
            var c = new StopChecker(new StopStrings(stops.plain, stops.special, Optional.empty()));
            var out = new StringBuilder();
            for (int i = 0; i < pieces.size(); i++) {
                out.append(c.push(pieces.get(i)[0], pieces.get(i)[1], i >= early));
            }
            out.append(c.finish());
            stopped += c.matched() == null ? 0 : 1;
            List<String> want = stops.of(pieces, early);
            assertEquals(want, List.of(out.toString(), c.matched() == null ? "" : c.matched()),
                    () -> stops + " after " + early + " of " + pieces.stream().map(Arrays::toString).toList());
        }
        assertTrue(stopped > 2000, stopped + " stopped");
    }

    private static String letters(Random random, int most) {
        return "ab<".repeat(2).substring(random.nextInt(3)).substring(0, 1 + random.nextInt(most > 3 ? 3 : most));
    }
}
