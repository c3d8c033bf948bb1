package io.jllm.constraint;

import io.jllm.tokenizer.Tokenizer;
import java.util.OptionalInt;

/** A constraint whose answers are not made to end in time. */
record Unsteered(Constraint of) implements Constraint {
    @Override
    public TokenMask start(Tokenizer tokenizer) {
        return new Mask(of.start(tokenizer));
    }

    @Override
    public boolean accepts(String text) {
        return of.accepts(text);
    }

    @Override
    public long bytes() {
        return of.bytes();
    }

    @Override
    public Constraint unsteered() {
        return this;
    }

    /** The same without what it knows of the way to an end. */
    private record Mask(TokenMask of) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            of.allowed(bits);
        }

        @Override
        public OptionalInt only() {
            return of.only();
        }

        @Override
        public boolean mayEnd() {
            return of.mayEnd();
        }

        @Override
        public boolean mayGoOn() {
            return of.mayGoOn();
        }

        @Override
        public TokenMask after(int token) {
            return new Mask(of.after(token));
        }
    }
}
