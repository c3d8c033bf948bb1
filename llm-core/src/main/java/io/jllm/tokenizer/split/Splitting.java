package io.jllm.tokenizer.split;

import java.util.List;
import java.util.function.Consumer;

/** A pre-tokenizer: each step cuts what the one before left in one piece; without steps a text is one piece. Thread-safe. */
public record Splitting(List<SplitStep> steps) {
    /** Of steps in order. */
    public Splitting {
        steps = List.copyOf(steps);
    }

    /**
     * Tells the pieces of a text, in order, none of them empty.
     *
     * @param first whether nothing stands before it
     */
    public void split(String text, boolean first, Consumer<String> pieces) {
        if (text.isEmpty()) {
            return;
        }
        SplitStep.Sink sink = (piece, _) -> pieces.accept(piece);
        for (SplitStep step : steps.reversed()) {
            SplitStep.Sink next = sink;
            sink = (piece, begins) -> step.split(piece, begins, next);
        }
        sink.piece(text, first);
    }
}
