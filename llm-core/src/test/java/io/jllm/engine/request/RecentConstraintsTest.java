package io.jllm.engine.request;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.jllm.constraint.Constraint;
import io.jllm.constraint.TokenMask;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Constraints are remembered while they are few and small. */
class RecentConstraintsTest {
    private static final long MIB = 1L << 20;

    /** A constraint that says how much it takes. */
    private static final class Sized implements Constraint {
        private long bytes;

        @Override
        public TokenMask start(Tokenizer tokenizer) {
            throw new UnsupportedOperationException("nobody starts it");
        }

        @Override
        public long bytes() {
            return bytes;
        }

        @Override
        public boolean accepts(String text) {
            return false;
        }
    }

    private final List<String> made = new ArrayList<>();

    private Sized of(RecentConstraints<String> recent, String key) {
        return (Sized) recent.of(key, k -> {
            made.add(k);
            return new Sized();
        });
    }

    @Test
    void theLastFewAreKept() {
        var recent = new RecentConstraints<String>(2);
        Sized a = of(recent, "a");
        of(recent, "b");
        assertSame(a, of(recent, "a"));
        of(recent, "c");
        assertSame(a, of(recent, "a"));
        of(recent, "b");
        assertEquals(List.of("a", "b", "c", "b"), made);
    }

    @Test
    void whatHasGrownTooLargeIsNotKept() {
        var recent = new RecentConstraints<String>(8);
        Sized a = of(recent, "a");
        Sized b = of(recent, "b");
        a.bytes = 40 * MIB;
        b.bytes = 20 * MIB;
        assertSame(a, of(recent, "a"), "together they are small enough");
        b.bytes = 30 * MIB;
        assertSame(a, of(recent, "a"));
        of(recent, "b");
        assertEquals(List.of("a", "b", "b"), made, "the one that was not asked for for longer had to go");
        a.bytes = 500 * MIB;
        assertSame(a, of(recent, "a"), "the last one may be large");
        of(recent, "b");
        assertEquals(List.of("a", "b", "b", "b"), made);
    }
}
