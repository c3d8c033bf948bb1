package io.jllm.constraint;

import io.jllm.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * Reasoning that is free up to a mark, and behind it an answer that is bound.
 *
 * @param answer what the answer is bound by
 * @param open what begins reasoning: where it is one token, the answer may begin with it; empty where the prompt has begun it
 * @param close what ends reasoning; white space may follow
 */
record BehindReasoning(Constraint answer, Optional<String> open, String close) implements Constraint {
    private static final int MOST_BLANKS = 4;

    BehindReasoning {
        if (close.isEmpty()) {
            throw new IllegalArgumentException("what ends reasoning must not be empty");
        }
    }

    @Override
    public TokenMask start(Tokenizer tokenizer) {
        TokenMask bound = answer.start(tokenizer);
        byte[] mark = close.getBytes(StandardCharsets.UTF_8);
        var reasoning = new Free(tokenizer, mark, new byte[0], bound);
        if (open.isEmpty()) {
            return reasoning;
        }
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            if (tokenizer.token(id).equals(open.get())) {
                return new Either(id, reasoning, bound);
            }
        }
        return bound;
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
     * Within reasoning: anything, but no token that ends it and goes on with more than white space, for the answer would not see that.
     *
     * @param tail the end of the text, as far as it is the beginning of the mark
     */
    private record Free(Tokenizer tokenizer, byte[] mark, byte[] tail, TokenMask answer) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            Arrays.fill(bits, -1);
            if (tail.length > 0) { // no single token holds the mark and more, where it is a token, or begins one
                for (int id = 0; id < tokenizer.vocabSize(); id++) {
                    byte[] text = written(id);
                    int behind = behindMark(text);
                    if (behind >= 0 && !isBlank(text, behind)) {
                        bits[id / Long.SIZE] &= ~(1L << id);
                    }
                }
            }
        }

        /** Reasoning that ends without its mark leaves no answer. */
        @Override
        public boolean mayEnd() {
            return false;
        }

        @Override
        public boolean mayGoOn() {
            return true;
        }

        @Override
        public TokenMask after(int token) {
            byte[] text = written(token);
            if (behindMark(text) >= 0) {
                return new Blank(tokenizer, answer, MOST_BLANKS);
            }
            byte[] all = joined(tail, text);
            int from = Math.max(0, all.length - mark.length + 1);
            while (!Arrays.equals(all, from, all.length, mark, 0, all.length - from)) {
                from++;
            }
            return new Free(tokenizer, mark, Arrays.copyOfRange(all, from, all.length), answer);
        }

        private byte[] written(int id) {
            return id < tokenizer.vocabSize() && tokenizer.isSpecial(id) ? tokenizer.token(id).getBytes(StandardCharsets.UTF_8) : tokenizer.bytes(id);
        }

        /** Where in a token's text the mark has ended; -1 if it does not. */
        private int behindMark(byte[] text) {
            byte[] all = joined(tail, text);
            for (int at = 0; at + mark.length <= all.length; at++) {
                if (Arrays.equals(all, at, at + mark.length, mark, 0, mark.length)) {
                    return Math.max(0, at + mark.length - tail.length);
                }
            }
            return -1;
        }

        private static byte[] joined(byte[] a, byte[] b) {
            byte[] all = Arrays.copyOf(a, a.length + b.length);
            System.arraycopy(b, 0, all, a.length, b.length);
            return all;
        }
    }

    /**
     * Between reasoning and answer: white space, or the answer.
     *
     * @param left so many tokens of white space may still come: it is no place to go on for ever
     */
    private record Blank(Tokenizer tokenizer, TokenMask answer, int left) implements TokenMask {
        @Override
        public void allowed(long[] bits) {
            answer.allowed(bits);
            for (int id = 0; id < tokenizer.vocabSize(); id++) {
                byte[] text = tokenizer.bytes(id);
                if (text.length > 0 && isBlank(text, 0)) {
                    bits[id / Long.SIZE] |= 1L << id;
                }
            }
        }

        @Override
        public boolean mayEnd() {
            return answer.mayEnd();
        }

        @Override
        public boolean mayGoOn() {
            return answer.mayGoOn();
        }

        @Override
        public TokenMask after(int token) {
            byte[] text = tokenizer.bytes(token);
            boolean blank = text.length > 0 && isBlank(text, 0);
            return !blank ? answer.after(token) : left > 1 ? new Blank(tokenizer, answer, left - 1) : answer;
        }
    }

    private static boolean isBlank(byte[] text, int from) {
        for (int i = from; i < text.length; i++) {
            if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t' && text[i] != '\r') {
                return false;
            }
        }
        return true;
    }
}
