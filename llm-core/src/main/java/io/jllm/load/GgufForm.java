package io.jllm.load;

import io.jllm.model.RowOrder;
import io.jllm.quant.gguf.GgufValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * What a GGUF file of a Hugging Face model says beside its tensors and its tokenizer.
 *
 * @param architecture the family as GGUF names it, the prefix of its keys
 * @param numbers the family's keys without that prefix, those of {@link io.jllm.model.Key#WRITTEN} first
 * @param ropeFactors what rotary frequencies are divided by, as the tensor {@value #ROPE_FACTORS}; empty if there is none
 * @param order in which order a tensor's rows are written
 */
public record GgufForm(String architecture, Map<String, GgufValue> numbers, List<Float> ropeFactors, Function<String, RowOrder> order) {
    /** Frequencies are divided by these, where a file has them: how Llama 3's scaling is stored. */
    public static final String ROPE_FACTORS = "rope_freqs.weight";

    /** Copies what may change. */
    public GgufForm {
        numbers = Collections.unmodifiableMap(new LinkedHashMap<>(numbers));
        ropeFactors = List.copyOf(ropeFactors);
    }

    GgufForm(String architecture, Map<String, GgufValue> numbers, float[] ropeFactors, Function<String, RowOrder> order) {
        this(architecture, numbers, IntStream.range(0, ropeFactors.length).mapToObj(i -> ropeFactors[i]).toList(), order);
    }
}
