package io.jllm.load;

import io.jllm.model.RowOrder;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What a GGUF file of a Hugging Face model says beside its tensors and its tokenizer.
 *
 * @param architecture the family as GGUF names it, the prefix of its keys
 * @param numbers the family's keys without that prefix, those of {@link io.jllm.model.Key#WRITTEN} first
 * @param vectors tensors beside those of the program, by name: what rotary frequencies are divided by
 * @param order in which order a tensor's rows are written
 */
public record GgufForm(String architecture, Map<String, GgufValue> numbers, Map<String, List<Float>> vectors, Function<String, RowOrder> order) {
    /** Frequencies are divided by these, where a file has them: how Llama 3's scaling is stored. */
    public static final String ROPE_FACTORS = "rope_freqs.weight";
    /** The same for texts that are not longer than the original context, in files of longrope. */
    static final String SHORT_FACTORS = "rope_factors_short.weight";
    /** And for longer ones. */
    static final String LONG_FACTORS = "rope_factors_long.weight";

    /** Copies what may change. */
    public GgufForm {
        numbers = Collections.unmodifiableMap(new LinkedHashMap<>(numbers));
        vectors = Collections.unmodifiableMap(new LinkedHashMap<>(vectors));
    }
}
