package io.jllm.constraint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers end in time, wherever a whole one fits, whatever is picked of what the masks allow. */
class SteeringTest {
    private static final int SCHEMAS = Integer.getInteger("jllm.schemas", 300);
    private static final int PLENTY = 1 << 20;

    private final FragmentTokenizer tokenizer = new FragmentTokenizer(5);
    private final Random random = new Random(29);

    private BitSet allowed(TokenMask mask, int left) {
        long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
        mask.allowed(bits, left);
        return BitSet.valueOf(bits);
    }

    private BitSet allowed(TokenMask mask) {
        long[] bits = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
        mask.allowed(bits);
        return BitSet.valueOf(bits);
    }

    private int any(BitSet of) {
        return of.stream().skip(random.nextInt(of.cardinality())).findFirst().orElseThrow();
    }

    /** Goes on by chance, and ends only where it must; the tokens, if there were enough for an end. */
    private Optional<List<Integer>> walk(Constraint c, int most) {
        TokenMask at = c.start(tokenizer);
        var ids = new ArrayList<Integer>();
        while (at.mayGoOn()) {
            TokenMask whole = at;
            if (ids.size() == most) {
                return whole.mayEnd() ? Optional.of(ids) : Optional.empty();
            }
            BitSet may = allowed(at, most - ids.size());
            if (may.isEmpty()) {
                assertTrue(at.mayEnd(), tokenizer.text(ids) + " for " + c);
                return Optional.of(ids);
            }
            ids.add(any(may));
            at = at.after(ids.getLast());
        }
        return Optional.of(ids);
    }

    @Test
    void answersEndInTime() {
        var schemas = new RandomSchemas(31, false);
        int tight = 0;
        for (int i = 0; i < SCHEMAS; i++) {
            String schema = schemas.next();
            Constraint c = Constraint.jsonSchema(schema);
            int fewest = c.start(tokenizer).fewest();
            for (int more : new int[] {0, 1, random.nextInt(12), random.nextInt(100)}) {
                List<Integer> ids = walk(c, fewest + more).orElseThrow(() -> new AssertionError("not in " + fewest + "+" + more + " for " + schema));
                assertTrue(c.accepts(tokenizer.text(ids)), () -> tokenizer.text(ids) + " for " + schema);
                assertEquals("", new SchemaOracle(schema).complaint(tokenizer.text(ids)));
                tight += ids.size() >= fewest + more - 1 ? 1 : 0;
            }
        }
        assertTrue(tight > 2 * SCHEMAS, tight + " of " + 4 * SCHEMAS + " used nearly all tokens");
    }

    /** Left out is what cannot end in time, and nothing else. */
    @Test
    void nothingElseIsLeftOut() {
        var schemas = new RandomSchemas(37, false);
        int narrowed = 0;
        for (int i = 0; i < SCHEMAS / 10; i++) {
            TokenMask at = Constraint.jsonSchema(schemas.next()).start(tokenizer);
            for (int step = 0; step < 40 && at.mayGoOn(); step++) {
                BitSet all = allowed(at);
                assertEquals(all, allowed(at, PLENTY));
                int left = at.fewest() + random.nextInt(4);
                BitSet some = allowed(at, left);
                TokenMask here = at;
                all.stream().forEach(id -> assertEquals(here.after(id).fewest() < left, some.get(id), () -> tokenizer.token(id)));
                narrowed += some.equals(all) ? 0 : 1;
                assertEquals(all, allowed(at, at.fewest() - 1), "cannot end in time anyway");
                at = at.after(any(all));
            }
        }
        assertTrue(narrowed > SCHEMAS / 5, narrowed + " masks were narrower");
    }

    /** A token that alone may come next may come however few are left. */
    @Test
    void whereThereIsNoChoiceNothingIsLeftOut() {
        var schemas = new RandomSchemas(41, false);
        int alone = 0;
        for (int i = 0; i < SCHEMAS; i++) {
            TokenMask at = Constraint.jsonSchema(schemas.next()).start(tokenizer);
            for (int step = 0; step < 40 && at.mayGoOn(); step++) {
                BitSet all = allowed(at);
                if (at.only().isPresent()) {
                    assertFalse(at.mayEnd());
                    assertTrue(all.cardinality() == 1 && all.get(at.only().getAsInt()));
                    for (int left = Math.max(1, at.fewest() - 2); left < at.fewest() + 3; left++) {
                        assertEquals(all, allowed(at, left));
                    }
                    alone++;
                }
                at = at.after(any(all));
            }
        }
        assertTrue(alone > SCHEMAS, alone + " times");
    }

    /** The fewest tokens are those of the shortest text: found by looking at all of them, shortest first. */
    @ParameterizedTest
    @ValueSource(strings = {"root ::= \"a\" root \"b\" | \"c\"{2,5}", "root ::= x{3} | y+\nx ::= \"ab\"\ny ::= \"abcdefg\" z\nz ::= z \"q\" | \"r\"",
            "root ::= (\"(\" root? \")\")+", "root ::= [a-c]{0,3} \"é\" | \"\"", "root ::= e\ne ::= e \"+\" e | [0-9]{2,} | \"(\" e \")\"",
            "root ::= (a{2,4} \",\"){3,}\na ::= \"x\"{2,9}"})
    void theShortestIsFound(String grammar) {
        Constraint c = Constraint.grammar(grammar);
        TokenMask start = c.start(tokenizer);
        Set<TokenMask> seen = new HashSet<>();
        List<TokenMask> now = List.of(start);
        for (int length = 0;; length++) {
            for (TokenMask m : now) {
                if (m.mayEnd()) {
                    assertTrue(start.fewest() <= length, () -> c + " needs " + start.fewest());
                    assertTrue(walk(c, start.fewest()).isPresent());
                    return;
                }
            }
            var next = new ArrayList<TokenMask>();
            for (TokenMask m : now) {
                allowed(m).stream().filter(id -> tokenizer.bytes(id).length == 1).mapToObj(m::after).filter(seen::add).forEach(next::add);
            }
            assertFalse(next.isEmpty());
            now = next;
        }
    }

    @Test
    void reasoningEndsInTime() {
        Constraint bound = Constraint.behindReasoning(Constraint.jsonSchema("{\"type\": \"array\", \"items\": {\"type\": \"integer\"}}"),
                Optional.empty(), "</think>");
        int fewest = bound.start(tokenizer).fewest();
        for (int most = fewest; most < fewest + 60; most++) {
            List<Integer> ids = walk(bound, most).orElseThrow();
            assertTrue(bound.accepts(tokenizer.text(ids)), () -> tokenizer.text(ids));
        }
        assertTrue(walk(bound, fewest - 1).isEmpty());
    }

    @Test
    void unsteeredIsCut() {
        Constraint c = Constraint.jsonSchema("{\"type\": \"array\", \"items\": {\"type\": \"string\", \"minLength\": 3}}").unsteered();
        TokenMask at = c.start(tokenizer);
        assertEquals(0, at.fewest());
        assertEquals(allowed(at), allowed(at, 1));
        int cut = 0;
        for (int i = 0; i < 50; i++) {
            cut += walk(c, 20).isEmpty() ? 1 : 0;
        }
        assertTrue(cut > 25, cut + " of 50");
        assertTrue(c.accepts("[\"abc\"]"));
    }

    @Test
    void whatIsTooLongIsLeftAlone() {
        TokenMask at = Constraint.grammar("root ::= x{1000000}\nx ::= y{1000000}\ny ::= \"a\"{2,}").start(tokenizer);
        assertEquals(Integer.MAX_VALUE, at.fewest());
        long[] narrow = new long[Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE)];
        long[] wide = narrow.clone();
        at.allowed(narrow, 10);
        at.allowed(wide);
        assertArrayEquals(wide, narrow);
    }
}
