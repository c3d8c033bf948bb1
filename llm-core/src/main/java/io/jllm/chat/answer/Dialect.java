package io.jllm.chat.answer;

/** Takes the answers of a format apart. Keeps its place between pieces of text. */
interface Dialect {
    /** Reads all that can be understood so far; at the end of the answer, all. */
    void read(Input in, Output out);
}
