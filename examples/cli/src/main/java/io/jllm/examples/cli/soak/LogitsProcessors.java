package io.jllm.examples.cli.soak;

import io.jllm.LogitsProcessor;

/** What an application may do to logits, well or badly. */
final class LogitsProcessors {
    /** Leaves everything as it is. */
    static final LogitsProcessor NOTHING = (_, _, _, _) -> {
    };

    private LogitsProcessors() {
    }

    /** The failure that one of them was made to have. */
    static final class Trouble extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final int request;

        Trouble(int request) {
            super("request " + request + " was made to fail");
            this.request = request;
        }

        /** Whose it is. */
        int request() {
            return request;
        }
    }

    /**
     * Favours another token at each call, so that texts change if calls are lost or doubled, or if sequences that branch off do not
     * keep their own count.
     */
    static final class Counting implements LogitsProcessor {
        private static final float FAVOUR = 6;

        private final int seed;
        private int calls;

        Counting(int seed) {
            this.seed = seed;
        }

        @Override
        public void process(int[] tokens, int promptLength, int length, float[] logits) {
            calls++;
            logits[Math.floorMod(seed * 31 + calls * 7919, logits.length)] += FAVOUR;
        }

        @Override
        public LogitsProcessor fork() {
            var fork = new Counting(seed);
            fork.calls = calls;
            return fork;
        }
    }

    /** Does as another does, until a request has so many tokens. */
    record Failing(LogitsProcessor inner, int request, int tokens) implements LogitsProcessor {
        @Override
        public void process(int[] all, int promptLength, int length, float[] logits) {
            if (length - promptLength >= tokens) {
                throw new Trouble(request);
            }
            inner.process(all, promptLength, length, logits);
        }

        @Override
        public LogitsProcessor fork() {
            return new Failing(inner.fork(), request, tokens);
        }
    }
}
