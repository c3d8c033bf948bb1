package io.jllm.constraint;

import io.jllm.constraint.calls.FreeText;
import io.jllm.tokenizer.Tokenizer;
import java.util.Optional;

/** Reasoning that is free up to a mark, and behind it an answer that is bound. */
final class BehindReasoning implements Constraint {
    private final Constraint answer;
    private final Optional<String> open;
    private final String close;
    private final PerTokenizer reasoning;

    /**
     * @param answer what the answer is bound by
     * @param open what begins reasoning: where it is one token, the answer may begin with it; empty where the prompt has begun it
     * @param close what ends reasoning; white space may follow
     */
    BehindReasoning(Constraint answer, Optional<String> open, String close) {
        if (close.isEmpty()) {
            throw new IllegalArgumentException("what ends reasoning must not be empty");
        }
        this.answer = answer;
        this.open = open;
        this.close = close;
        reasoning = new PerTokenizer(tokens -> FreeText.until(close, tokens), "reasoning up to " + close);
    }

    @Override
    public TokenMask start(Tokenizer tokenizer) {
        TokenMask bound = answer.start(tokenizer);
        if (open.isEmpty()) {
            return new Reasoning(reasoning.start(tokenizer), bound);
        }
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            if (tokenizer.token(id).equals(open.get())) {
                return new Either(id, new Reasoning(reasoning.start(tokenizer), bound), bound);
            }
        }
        return bound;
    }

    @Override
    public long bytes() {
        return answer.bytes() + reasoning.bytes();
    }

    @Override
    public boolean accepts(String text) {
        boolean reasons = open.isEmpty() || text.startsWith(open.get());
        int at = text.indexOf(close);
        return reasons && at >= 0 ? answer.accepts(text.substring(at + close.length()).stripLeading()) : !reasons && answer.accepts(text);
    }

    /** At the beginning: a token that begins reasoning, or the answer. */
    private record Either(int token, TokenMask reasoning, TokenMask answer) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            answer.allowed(bits);
            bits[token / Long.SIZE] |= 1L << token;
        }

        @Override
        public void allowed(long[] bits, int left) {
            answer.allowed(bits, left);
            if (reasoning.fewest() < left || answer.fewest() > left) {
                bits[token / Long.SIZE] |= 1L << token;
            }
        }

        @Override
        public int fewest() {
            return answer.fewest();
        }

        @Override
        public boolean mayEnd() {
            return answer.mayEnd();
        }

        @Override
        public boolean mayGoOn() {
            return true;
        }

        @Override
        public TokenMask after(int id) {
            return id == token ? reasoning : answer.after(id);
        }
    }

    /**
     * Within reasoning, or in the white space behind it, where the answer may begin. No token ends reasoning and begins the answer: the answer would
     * not see that.
     */
    private record Reasoning(GrammarConstraint.Mask text, TokenMask answer) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            text.allowed(bits);
            if (text.mayEnd()) {
                long[] also = new long[bits.length];
                answer.allowed(also);
                or(bits, also);
            }
        }

        private static void or(long[] bits, long[] also) {
            for (int i = 0; i < bits.length; i++) {
                bits[i] |= also[i];
            }
        }

        @Override
        public void allowed(long[] bits, int left) {
            text.allowed(bits, left - answer.fewest());
            if (text.mayEnd()) {
                long[] also = new long[bits.length];
                answer.allowed(also, left);
                or(bits, also);
            }
        }

        @Override
        public int fewest() {
            return (int) Math.min(Integer.MAX_VALUE, (long) text.fewest() + answer.fewest());
        }

        /** Reasoning that ends without its mark leaves no answer. */
        @Override
        public boolean mayEnd() {
            return text.mayEnd() && answer.mayEnd();
        }

        @Override
        public boolean mayGoOn() {
            return !text.mayEnd() || answer.mayGoOn();
        }

        @Override
        public TokenMask after(int token) {
            return text.mayEnd() && !text.allows(token) ? answer.after(token) : new Reasoning(text.after(token), answer);
        }
    }
}
