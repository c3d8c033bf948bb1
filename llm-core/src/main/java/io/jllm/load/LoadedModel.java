package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.embedding.Pooling;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatTemplate;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.tokenizer.Tokenizer;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;

/**
 * A model as its files give it, before a backend has seen it. Whoever opened it closes it. The parts are safe for use by many
 * threads until then. The tokenizer may still be in the making, which takes about as long as a backend takes for the weights: who
 * asks for it, or for what it says, waits.
 */
public final class LoadedModel implements AutoCloseable {
    private final ModelConfig config;
    private final Program program;
    private final WeightSource weights;
    private final TextParts text;
    private final SamplingParams defaults;
    private final Set<Integer> eos;
    private final String description;
    private final Optional<GgufForm> gguf;
    private final Optional<HuggingFaceWeights> checkpoint;
    private final boolean generates;

    /**
     * A model whose tokenizer is there.
     *
     * @param config its numbers
     * @param program its forward pass
     * @param weights its tensors, mapped
     * @param tokenizer its tokenizer; empty if the files have none
     * @param defaults the sampling settings that the model's makers recommend; neutral where they say nothing
     * @param eos tokens that end a generation, beside those of the tokenizer
     * @param description one line for people: name, family, number of parameters, formats, size, context
     */
    public LoadedModel(ModelConfig config, Program program, WeightSource weights, Optional<Tokenizer> tokenizer, SamplingParams defaults,
                       Set<Integer> eos, String description) {
        this(config, program, weights, TextParts.of(tokenizer), defaults, eos, description, Optional.empty(), Optional.empty(), true);
    }

    /** A model whose tokenizer may come later, or fail with a {@link ModelLoadException}, and whose chat templates may come later. */
    LoadedModel(ModelConfig config, Program program, WeightSource weights, TextParts text, SamplingParams defaults, Set<Integer> eos,
                String description, Optional<GgufForm> gguf, Optional<HuggingFaceWeights> checkpoint, boolean generates) {
        this.config = config;
        this.program = program;
        this.weights = weights;
        this.text = text;
        this.defaults = defaults;
        this.eos = Set.copyOf(eos);
        this.description = description;
        this.gguf = gguf;
        this.checkpoint = checkpoint;
        this.generates = generates;
    }

    /** Its numbers. */
    public ModelConfig config() {
        return config;
    }

    /** Its forward pass. */
    public Program program() {
        return program;
    }

    /** Its tensors, mapped. */
    public WeightSource weights() {
        return weights;
    }

    /**
     * Its tokenizer, once it is made; empty if the files have none.
     *
     * @throws ModelLoadException if it cannot be made: the files name one that is not known, or are broken
     */
    public Optional<Tokenizer> tokenizer() {
        try {
            return text.tokenizer().join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw e; // nothing else is thrown there
            }
        }
    }

    /**
     * Its chat templates; {@linkplain ChatTemplate#isEmpty empty} if the files have none. One that is broken is an error only where it is used.
     */
    public ChatTemplate chatTemplate() {
        return text.chatTemplate().join();
    }

    /** The sampling settings that the model's makers recommend; neutral where they say nothing. */
    public SamplingParams defaults() {
        return defaults;
    }

    /** Tokens that end a generation: those of the tokenizer, for which this waits, and those that the model's files add. */
    public Set<Integer> eos() {
        var all = new HashSet<>(eos);
        tokenizer().ifPresent(t -> all.addAll(t.eos()));
        return Set.copyOf(all);
    }

    /**
     * How its files say that vectors of texts are made; empty if they do not.
     *
     * @throws ModelLoadException if they say what is not supported
     */
    public Optional<Pooling> pooling() {
        return text.pooling().get();
    }

    /** One line for people: name, family, number of parameters, formats, size, context. */
    public String description() {
        return description;
    }

    /** Whether its logits mean anything: a folder that was saved without its output matrix gives vectors of texts only. */
    public boolean generates() {
        return generates;
    }

    /** What a GGUF file of it says beside its tensors and tokenizer; empty unless it comes from a Hugging Face folder. */
    public Optional<GgufForm> gguf() {
        return gguf;
    }

    /** The tensors of a Hugging Face folder before its family takes them; empty unless it comes from one. Closed with the model. */
    public Optional<HuggingFaceWeights> checkpoint() {
        return checkpoint;
    }

    /** Gives weights and tokenizer back, which this waits for. */
    @Override
    public void close() {
        try (weights) {
            made().ifPresent(Tokenizer::close);
        }
    }

    private Optional<Tokenizer> made() {
        try {
            return tokenizer();
        } catch (RuntimeException | Error _) {
            return Optional.empty(); // there is none, of which tokenizer() tells
        }
    }
}
