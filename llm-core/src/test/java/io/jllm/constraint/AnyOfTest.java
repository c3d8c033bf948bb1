package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Texts of one of several languages: whatever is picked, the text is of one of them, it ends in time, and each of them can be reached. */
class AnyOfTest {
    private final FragmentTokenizer tokenizer = new FragmentTokenizer(7);
    private final Random random = new Random(43);

    private BitSet allowed(TokenMask mask) {
        long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
        mask.allowed(bits);
        return BitSet.valueOf(bits);
    }

    private BitSet allowed(TokenMask mask, int left) {
        long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
        mask.allowed(bits, left);
        return BitSet.valueOf(bits);
    }

    /** The text of a walk by chance that has so many tokens at most. */
    private String walk(Constraint c, int most) {
        TokenMask at = c.start(tokenizer);
        List<Integer> ids = new ArrayList<>();
        while (at.mayGoOn() && !(at.mayEnd() && random.nextInt(4) == 0)) {
            BitSet may = allowed(at, most - ids.size());
            if (ids.size() == most || may.isEmpty()) {
                assertTrue(at.mayEnd(), () -> tokenizer.text(ids) + " for " + c);
                break;
            }
            if (at.only().isPresent()) {
                assertEquals(1, may.cardinality());
                assertTrue(may.get(at.only().getAsInt()));
            }
            ids.add(may.stream().skip(random.nextInt(may.cardinality())).findFirst().orElseThrow());
            at = at.after(ids.getLast());
        }
        return tokenizer.text(ids);
    }

    @Test
    void eachLanguageIsReachedAndNothingElse() {
        var schemas = new RandomSchemas(47, false);
        int first = 0;
        int second = 0;
        for (int i = 0; i < 20; i++) {
            Constraint a = Constraint.jsonSchema(schemas.next());
            Constraint b = Constraint.jsonSchema(schemas.next());
            Constraint either = Constraint.anyOf(a, b);
            assertEquals(Math.min(a.start(tokenizer).fewest(), b.start(tokenizer).fewest()), either.start(tokenizer).fewest());
            for (int more : new int[] {0, 3, 40}) {
                String text = walk(either, either.start(tokenizer).fewest() + more);
                assertTrue(either.accepts(text) && (a.accepts(text) || b.accepts(text)), text);
                first += a.accepts(text) ? 1 : 0;
                second += b.accepts(text) ? 1 : 0;
            }
        }
        assertTrue(first > 12 && second > 12, first + " and " + second);
    }

    /** A constraint that is no grammar is followed by its masks. */
    @Test
    void withReasoning() {
        Constraint thought = Constraint.behindReasoning(Constraint.regex("[ab]{2}"), Optional.empty(), "c");
        Constraint either = Constraint.anyOf(Constraint.regex("[abc]{4}"), thought);
        for (int i = 0; i < 200; i++) {
            String text = walk(either, 12);
            assertTrue(either.accepts(text), text);
        }
        TokenMask at = either.start(tokenizer);
        for (String letter : List.of("a", "c", "a", "b")) {
            int id = IntStream.range(0, tokenizer.vocabSize()).filter(i -> tokenizer.text(List.of(i)).equals(letter)).findFirst().orElseThrow();
            assertTrue(allowed(at).get(id));
            at = at.after(id);
        }
        assertTrue(at.mayEnd());
        assertFalse(either.accepts("ababa"));
    }

    @Test
    void edges() {
        assertThrows(IllegalArgumentException.class, Constraint::anyOf);
        Constraint one = Constraint.regex("abc");
        assertEquals(allowed(one.start(tokenizer)), allowed(Constraint.anyOf(one).start(tokenizer)));
        TokenMask start = Constraint.anyOf(one, Constraint.regex("abd")).start(tokenizer);
        BitSet others = allowed(start);
        others.flip(0, tokenizer.vocabSize());
        assertThrows(IllegalArgumentException.class, () -> start.after(others.nextSetBit(0)));
    }
}
