package io.jllm.spi;

import io.jllm.MemoryReport;
import io.jllm.adapter.Adapter;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One loaded model on one device. It owns weights, KV pages, scratch memory and on-device sampling; it knows no requests, no
 * text and no stop strings. Called by the engine's thread only.
 */
public interface ModelRunner extends AutoCloseable {
    /** KV blocks that it can hold. */
    int blocks();

    /**
     * How many blocks whose content only the prefix cache wants may take memory of their own, while others have never been used: beyond
     * that, and the most that sequences ever held at once, the longest unwanted are used again. All of them, unless memory is
     * shared with others.
     */
    default int cachedBlocks() {
        return blocks();
    }

    /** One forward pass over every scheduled token of every sequence. One call an engine step. */
    void forward(StepBatch batch);

    /**
     * As {@link #forward}, with each kernel timed by itself, and all of them over when this returns. Slower.
     *
     * @return one entry for each name of a kernel, in the order in which they first ran
     * @throws UnsupportedOperationException if the backend cannot tell
     */
    default List<KernelTime> forwardTimed(StepBatch batch) {
        throw new UnsupportedOperationException("this backend does not time its kernels; use cpu or cuda");
    }

    /**
     * Whether sequences that generate had better advance by several tokens at once where these are known: not where steps of one token a sequence
     * are so much faster that fewer steps do not make up for it.
     */
    default boolean gainsFromKnownTokens() {
        return true;
    }

    /** Whether {@link #sample} can honour these settings without bringing the row to the host. */
    boolean samplesOnDevice(RowSampling row);

    /**
     * Draws a token for some rows of the last {@link #forward}.
     *
     * @param rows how to draw for each row of logits; null entries are left out
     * @param count how many entries count
     * @param tokens receives ids, by row
     * @param logprobs receives the log-probability of each token in the raw row
     */
    void sample(RowSampling[] rows, int count, int[] tokens, float[] logprobs);

    /**
     * Whether {@link #startSample} can be called, so that the next step begins on the device while the host still reads what the last one drew.
     *
     * <p>All calls then take effect in the order in which they are made: a forward pass sees the blocks that were copied and written by those before
     * it, and no others, though none of them need be over when its call returns. {@link #logits}, {@link #hidden} and {@link #topK} are of the last
     * forward pass. Blocks and slots of a sequence that ended while a step was under way may be another one's in the next step.
     */
    default boolean overlaps() {
        return false;
    }

    /**
     * Begins to draw a token for some rows of the last {@link #forward}, as {@link #sample} does, and does not wait. The next forward pass may have
     * tokens that this draws: {@link StepBatch#drawn} stands in their place. At most two drawings are under way.
     *
     * @param rows how to draw for each row of logits, all of them as {@link #samplesOnDevice} allows; null entries are left out; read before this
     *     returns. The last of a row's tokens may be {@link StepBatch#drawn} by the drawing that was started before this one.
     * @param count how many entries count
     * @return what gives the tokens; where this throws nothing is under way
     */
    default Drawing startSample(RowSampling[] rows, int count) {
        throw new UnsupportedOperationException("this backend does not draw while the host goes on; use sample");
    }

    /**
     * The most likely tokens of some rows of the last {@link #forward}, from the raw row, best first, lower ids first among
     * equals.
     *
     * @param rows indices of rows of logits
     * @param k how many for each
     * @param ids receives rows.length * k ids
     * @param logprobs receives their log-probabilities
     */
    void topK(int[] rows, int k, int[] ids, float[] logprobs);

    /** Rows of logits of the last {@link #forward}, float, row after row, on the host; valid until the next call. */
    MemorySegment logits();

    /**
     * The hidden state ({@link io.jllm.model.Program#hidden}) of each wanted row of the last {@link #forward}, float, row after row, on the
     * host; valid until the next call. Only after a step that has {@link StepBatch#hiddenRows}.
     *
     * @throws UnsupportedOperationException if the program has none, or the backend does not give it
     */
    default MemorySegment hidden() {
        throw new UnsupportedOperationException("this backend gives no hidden states, so it makes no embeddings; use another");
    }

    /** Copies state kept for a sequence to another slot, in place of what was there. Called between forward pass and sampling, too. */
    void forkSlot(int from, int to);

    /** Forgets state kept for a sequence. */
    void releaseSlot(int slot);

    /**
     * Copies whole KV blocks: pairs of from and to. No block that is written stands in another pair, so they may all be copied at
     * once. Called between forward passes.
     */
    void copyBlocks(int[] fromTo);

    /**
     * Takes in an adapter, which sequences may be computed with from now on ({@link StepBatch#adapter}). Called between steps; whatever it needs of
     * the weights is copied. The memory is beside what was reckoned for weights and keys and values when the model was loaded.
     *
     * @param number above 0, and not another one's
     * @throws UnsupportedOperationException if the backend computes none
     * @throws IllegalArgumentException if the adapter changes what this backend cannot change
     * @throws IllegalStateException if there is no memory for it
     */
    default void addAdapter(int number, Adapter adapter) {
        throw new UnsupportedOperationException("this backend computes no adapters: use the cpu or cuda backend, or merge the adapter into a model of"
                + " floats at load (LlmBuilder.mergeAdapter)");
    }

    /** Forgets an adapter that was added, and that no sequence has any more. Called between steps. */
    default void removeAdapter(int number) {
        throw new UnsupportedOperationException("this backend computes no adapters");
    }

    /** What it holds now. */
    MemoryReport memory();

    @Override
    void close();
}
