package io.jllm.examples.cli.soak;

import java.util.SplittableRandom;

/**
 * One request of a soak: a question, and how its caller behaves.
 *
 * @param number its place among all requests
 * @param round the round in which it is asked
 * @param question what is asked
 * @param manner how the caller behaves
 * @param amount the manner's own number
 */
record Turn(int number, int round, Question question, Manner manner, int amount) {
    private static final int LONGEST_WAIT_MICROS = 300_000;

    /** How a caller behaves. The amount is of the unit that is said. */
    enum Manner {
        /** Waits for the result. */
        GENERATE,
        /** Leaves the request, looks how far it is now and then, and waits. */
        SUBMIT,
        /** Has other code run when the result is there. */
        ASYNC,
        /** Reads the text as it comes. */
        STREAM,
        /** Begins to read, and goes on only after that many milliseconds. */
        SLOW_STREAM,
        /** Subscribes to the text, and asks for so many pieces at a time. */
        SUBSCRIBE,
        /** Reads that many pieces, and closes the stream. */
        CLOSE_STREAM,
        /** Subscribes, and fails at so many pieces. */
        FAIL_READING,
        /** Cancels after so many microseconds. */
        CANCEL,
        /** Cancels the future after so many microseconds. */
        CANCEL_FUTURE,
        /** Is interrupted after so many microseconds. */
        INTERRUPT,
        /** Has so many microseconds of time. */
        TIMEOUT,
        /** Has a logits processor that fails at so many tokens; at -1 it cannot even be made. */
        FAIL,
        /** Asks what cannot be asked. */
        NONSENSE
    }

    /** The turn of that number: the same seed and number give the same turn. */
    static Turn of(long seed, int number, int round, Questions questions, int firstQuestion, int questionCount) {
        SplittableRandom random = Questions.random(~seed, number);
        Question question = questions.question(firstQuestion + random.nextInt(questionCount)).priority(random.nextInt(-2, 3));
        Manner manner = manner(random, question.searched());
        int amount = switch (manner) {
            case GENERATE, SUBMIT, ASYNC, STREAM, NONSENSE -> 0;
            case SLOW_STREAM -> random.nextInt(50, 400);
            case SUBSCRIBE -> random.nextInt(1, 9);
            case CLOSE_STREAM, FAIL_READING -> random.nextInt(1, 20);
            case CANCEL, CANCEL_FUTURE, INTERRUPT, TIMEOUT -> (int) Math.pow(LONGEST_WAIT_MICROS, random.nextDouble());
            case FAIL -> random.nextInt(-1, 12);
        };
        return new Turn(number, round, question, manner, amount);
    }

    /** One in two waits for a good end; searches have no streams. */
    private static Manner manner(SplittableRandom random, boolean searched) {
        Manner[] good = searched ? new Manner[] {Manner.GENERATE, Manner.SUBMIT, Manner.ASYNC}
                : new Manner[] {Manner.GENERATE, Manner.SUBMIT, Manner.ASYNC, Manner.STREAM, Manner.SLOW_STREAM, Manner.SUBSCRIBE};
        Manner[] bad = searched ? new Manner[] {Manner.CANCEL, Manner.CANCEL_FUTURE, Manner.INTERRUPT, Manner.TIMEOUT, Manner.FAIL}
                : new Manner[] {Manner.CANCEL, Manner.CANCEL_FUTURE, Manner.INTERRUPT, Manner.TIMEOUT, Manner.FAIL, Manner.CLOSE_STREAM,
                    Manner.FAIL_READING, Manner.NONSENSE};
        Manner[] all = random.nextInt(10) < 6 ? good : bad;
        return all[random.nextInt(all.length)];
    }
}
