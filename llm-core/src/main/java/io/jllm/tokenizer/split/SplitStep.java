package io.jllm.tokenizer.split;

/** Cuts pieces of text into smaller ones, or writes them otherwise. Thread-safe. */
@FunctionalInterface
public interface SplitStep {
    /**
     * Tells the pieces of a piece, in order.
     *
     * @param text not empty
     * @param first whether the whole text begins with it
     */
    void split(String text, boolean first, Sink sink);

    /** Is told of pieces. */
    @FunctionalInterface
    interface Sink {
        /** A piece, and whether the whole text begins with it. */
        void piece(String text, boolean first);
    }
}
