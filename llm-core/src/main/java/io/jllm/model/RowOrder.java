package io.jllm.model;

/**
 * In which order rows are written. The rows of q and k of a Hugging Face model rotate in pairs (i, i + headDim / 2) of each head;
 * GGUF's llama family wants the two side by side.
 *
 * @param headDim rows of a head whose halves are to be interleaved; 0 keeps all rows where they are
 */
public record RowOrder(int headDim) {
    /** All rows where they are. */
    public static final RowOrder KEPT = new RowOrder(0);

    /** The row that is written in this place. */
    public long source(long row) {
        if (headDim == 0) {
            return row;
        }
        long inHead = row % headDim;
        return row - inHead + inHead % 2 * (headDim / 2) + inHead / 2;
    }

    /** Whether all rows stay where they are. */
    public boolean isKept() {
        return headDim == 0;
    }
}
