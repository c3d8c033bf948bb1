package io.jllm.model;

import io.jllm.SamplingParams;
import io.jllm.quant.WeightSource;
import io.jllm.tokenizer.Tokenizer;
import java.util.Optional;
import java.util.Set;

/**
 * A model as its files give it, before a backend has seen it. Whoever opened it closes it. The parts are safe for use by many
 * threads until then.
 *
 * @param config its numbers
 * @param program its forward pass
 * @param weights its tensors, mapped
 * @param tokenizer its tokenizer; empty if the files have none
 * @param defaults the sampling settings that the model's makers recommend; neutral where they say nothing
 * @param eos tokens that end a generation: those of the tokenizer, and those that the model's files add
 * @param description one line for people: name, family, number of parameters, formats, size, context
 */
public record LoadedModel(ModelConfig config, Program program, WeightSource weights, Optional<Tokenizer> tokenizer,
                          SamplingParams defaults, Set<Integer> eos, String description) implements AutoCloseable {
    /** Copies the set. */
    public LoadedModel {
        eos = Set.copyOf(eos);
    }

    /** Gives weights and tokenizer back. */
    @Override
    public void close() {
        tokenizer.ifPresent(Tokenizer::close);
        weights.close();
    }
}
