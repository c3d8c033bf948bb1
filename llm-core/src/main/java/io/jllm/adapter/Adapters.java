package io.jllm.adapter;

import java.nio.file.Path;
import java.util.List;

/**
 * The adapters of a loaded model (LoRA and its relatives), by name. Any number of them is loaded at once; each request names the one that it
 * is computed with ({@link io.jllm.Request#adapter}, {@link io.jllm.Decoding#adapter}), or none, and requests with different ones share
 * the batch. Texts that were computed with one adapter are never taken from the prefix cache for another. Safe for all threads.
 */
public interface Adapters {
    /**
     * Loads an adapter: a folder that peft wrote ({@code adapter_config.json} with {@code adapter_model.safetensors} or
     * {@code adapter_model.bin}), or a GGUF file whose {@code general.type} is {@code adapter}. Requests may name it once this returns.
     *
     * @param name what requests call it; not empty, and not the name of another one
     * @param path the folder or file
     * @throws io.jllm.ModelLoadException if it cannot be read, does not fit the model, is of a kind that is not supported, or the backend computes
     *     no adapters: what, and what to do
     * @throws IllegalArgumentException if there is an adapter of that name
     * @throws IllegalStateException if the model is closed, or this is called on the engine's thread
     */
    void load(String name, Path path);

    /**
     * Forgets an adapter: no request can name it from now on. Those that already run or wait with it are computed to their end; its memory is given
     * back after the last of them.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    void unload(String name);

    /** The names of those that requests can name, in the order in which they were loaded. */
    List<String> names();
}
