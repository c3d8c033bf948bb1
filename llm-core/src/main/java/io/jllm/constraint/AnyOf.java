package io.jllm.constraint;

import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Texts of one of several languages. Which one it is may show late: until then all that are possible are followed.
 *
 * @param languages at least one
 */
record AnyOf(List<Constraint> languages) implements Constraint {
    AnyOf {
        languages = List.copyOf(languages);
        if (languages.isEmpty()) {
            throw new IllegalArgumentException("anyOf must have at least one constraint");
        }
    }

    @Override
    public TokenMask start(Tokenizer tokenizer) {
        int words = Math.ceilDiv(tokenizer.vocabSize(), Long.SIZE);
        return of(words, languages.stream().map(l -> l.start(tokenizer)).toList());
    }

    private static TokenMask of(int words, List<TokenMask> masks) {
        return masks.size() == 1 ? masks.getFirst() : new Masks(words, masks);
    }

    @Override
    public long bytes() {
        return languages.stream().mapToLong(Constraint::bytes).sum();
    }

    @Override
    public boolean accepts(String text) {
        return languages.stream().anyMatch(l -> l.accepts(text));
    }

    @Override
    public String toString() {
        return languages.stream().map(Constraint::toString).collect(Collectors.joining(", or "));
    }

    /** Those that the text so far belongs to; at least two. */
    private record Masks(int words, List<TokenMask> masks) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            masks.getFirst().allowed(bits);
            long[] also = new long[bits.length];
            for (TokenMask mask : masks.subList(1, masks.size())) {
                mask.allowed(also);
                or(bits, also);
            }
        }

        /** A language that cannot be made whole any more is left out, as long as another one can. */
        @Override
        public void allowed(long[] bits, int left) {
            List<TokenMask> inTime = masks.stream().filter(m -> m.fewest() <= left).toList();
            List<TokenMask> tried = inTime.isEmpty() ? masks : inTime;
            tried.getFirst().allowed(bits, left);
            long[] also = new long[bits.length];
            for (TokenMask mask : tried.subList(1, tried.size())) {
                mask.allowed(also, left);
                or(bits, also);
            }
        }

        private static void or(long[] bits, long[] also) {
            for (int i = 0; i < bits.length; i++) {
                bits[i] |= also[i];
            }
        }

        @Override
        public int fewest() {
            return masks.stream().mapToInt(TokenMask::fewest).min().getAsInt();
        }

        /** Known where all know the same one. */
        @Override
        public OptionalInt only() {
            OptionalInt first = masks.getFirst().only();
            return masks.stream().allMatch(m -> m.only().equals(first)) ? first : OptionalInt.empty();
        }

        @Override
        public boolean mayEnd() {
            return masks.stream().anyMatch(TokenMask::mayEnd);
        }

        @Override
        public boolean mayGoOn() {
            return masks.stream().anyMatch(TokenMask::mayGoOn);
        }

        @Override
        public TokenMask after(int token) {
            List<TokenMask> next = new ArrayList<>();
            for (TokenMask mask : masks) {
                if (allows(mask, token)) {
                    next.add(mask.after(token));
                }
            }
            if (next.isEmpty()) {
                throw new IllegalArgumentException("token " + token + " is not allowed here by any of the constraints");
            }
            return of(words, next);
        }

        private boolean allows(TokenMask mask, int token) {
            if (mask instanceof GrammarConstraint.Mask grammar) {
                return grammar.allows(token);
            }
            long[] bits = new long[words];
            mask.allowed(bits);
            return (bits[token / Long.SIZE] >>> token & 1) != 0;
        }
    }
}
