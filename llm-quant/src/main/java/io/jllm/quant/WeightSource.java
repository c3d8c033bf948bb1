package io.jllm.quant;

import java.util.Optional;
import java.util.Set;

/**
 * Where a model's weights come from: a GGUF file, a Hugging Face folder, or test data. Names are GGUF's
 * ({@code blk.0.attn_q.weight}) whatever the file calls them.
 *
 * <p>Plain tensors are slices of a mapping, so that finding one copies nothing; a source is safe for use by many threads until it
 * is closed.
 */
public interface WeightSource extends AutoCloseable {
    /** The names of all tensors, in file order. */
    Set<String> names();

    /** The weights of that name, if there are any. */
    Optional<Weights> find(String name);

    /**
     * The weights of that name.
     *
     * @throws IllegalArgumentException if there are none
     */
    default Weights get(String name) {
        return find(name).orElseThrow(() -> new IllegalArgumentException("the model has no tensor " + name));
    }

    /**
     * The weights of that name as a plain tensor: see {@link Weights#plain}.
     *
     * @throws IllegalArgumentException if there is none, or it is packed in groups
     */
    default Tensor tensor(String name) {
        return get(name).plain();
    }

    /** Gives the memory back; tensors found before must no longer be used. */
    @Override
    void close();
}
