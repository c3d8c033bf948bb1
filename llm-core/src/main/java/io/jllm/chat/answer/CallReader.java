package io.jllm.chat.answer;

/** Reads calls of one syntax, one after the other, from where they may begin. Keeps its place between pieces of text. */
interface CallReader {
    /** How reading goes on. */
    enum Step {
        /** All text is read and the calls are not at their end. Not at the end of the answer. */
        MORE,
        /** The calls are at their end, or the answer is. What is read and not taken is not theirs. */
        DONE,
        /** There is no call here, and nothing was taken. */
        NOT_A_CALL
    }

    Step read(Input in, Output out);
}
