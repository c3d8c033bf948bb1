package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.embedding.Pooling;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatTemplate;
import io.jllm.model.Architecture;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.tokenizer.Tokenizer;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A model as its files give it, before a backend has seen it. Whoever opened it closes it. The parts are safe for use by many
 * threads until then. The tokenizer may still be in the making, which takes about as long as a backend takes for the weights: who
 * asks for it, or for what it says, waits.
 */
public final class LoadedModel implements AutoCloseable {
    /** So many problems are told. */
    private static final int SHOWN = 5;

    private final ModelConfig config;
    private final Program program;
    private final WeightSource weights;
    private final TextParts text;
    private final SamplingParams defaults;
    private final Set<Integer> eos;
    private final String description;
    private final Origin origin;
    private final boolean generates;

    /**
     * What is known of the files that a model comes from.
     *
     * @param gguf what a GGUF file of it says beside its tensors and tokenizer
     * @param checkpoint the tensors of a Hugging Face folder before its family takes them
     * @param family what its family says of checkpoints
     */
    record Origin(Optional<GgufForm> gguf, Optional<HuggingFaceWeights> checkpoint, Optional<Architecture.Model> family) {
        private static final Origin NONE = new Origin(Optional.empty(), Optional.empty(), Optional.empty());
    }

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
        this(new Architecture.Built(config, program), weights, TextParts.of(tokenizer), defaults, eos, description, Origin.NONE, true);
    }

    /** A model whose tokenizer may come later, or fail with a {@link ModelLoadException}, and whose chat templates may come later. */
    LoadedModel(Architecture.Built built, WeightSource weights, TextParts text, SamplingParams defaults, Set<Integer> eos,
                String description, Origin origin, boolean generates) {
        config = built.config();
        program = built.program();
        this.weights = weights;
        this.text = text;
        this.defaults = defaults;
        this.eos = Set.copyOf(eos);
        this.description = description;
        this.origin = origin;
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
        return text.tokenizer().join();
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
        return origin.gguf;
    }

    /** The tensors of a Hugging Face folder before its family takes them; empty unless it comes from one. Closed with the model. */
    public Optional<HuggingFaceWeights> checkpoint() {
        return origin.checkpoint;
    }

    /**
     * Refuses a model that a backend has problems with.
     *
     * @throws ModelLoadException if there are any: the first of them
     */
    public void check(List<String> problems) {
        if (!problems.isEmpty()) {
            int shown = Math.min(problems.size(), SHOWN);
            throw new ModelLoadException(description + " cannot run: " + String.join("; ", problems.subList(0, shown))
                    + (shown == problems.size() ? "" : "; and " + (problems.size() - shown) + " more problems like these"));
        }
    }

    /** What its family says of checkpoints, if it comes from files. */
    public Optional<Architecture.Model> family() {
        return origin.family;
    }

    /** The same with other weights; the one of the two that is closed closes all. */
    public LoadedModel with(WeightSource others) {
        return new LoadedModel(new Architecture.Built(config, program), others, text, defaults, eos, description, origin, generates);
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
