package io.jllm.engine;

import io.jllm.EngineListener;
import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.load.LoadedModel;
import io.jllm.model.ModelConfig;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.TinyModels;
import io.jllm.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.UnaryOperator;

/** A random tiny model behind the real engine, computed by the oracle. */
public final class TinyLlm {
    public static final int CONTEXT = 256;
    static final ModelConfig CONFIG = TinyModels.config(LetterTokenizer.VOCAB);
    private static final Program PROGRAM = TinyModels.program(CONFIG);
    private static final TinyModels.MemoryWeights WEIGHTS = TinyModels.weights(PROGRAM, 3);

    private TinyLlm() {
    }

    public static LLM open(EngineOptions options) {
        return open(options, r -> r);
    }

    /** With a runner that does more, or less, than the oracle. */
    public static LLM open(EngineOptions options, UnaryOperator<ModelRunner> wrapper, EngineListener... listeners) {
        return open(options, new LetterTokenizer(), wrapper, listeners);
    }

    /** With another tokenizer. */
    public static LLM open(EngineOptions options, Tokenizer tokenizer) {
        return open(options, tokenizer, r -> r);
    }

    /** With all of these. */
    public static LLM open(EngineOptions options, Tokenizer tokenizer, UnaryOperator<ModelRunner> wrapper, EngineListener... listeners) {
        var model = new LoadedModel(CONFIG, PROGRAM, WEIGHTS, Optional.of(tokenizer), SamplingParams.neutral(), Set.of(), "tiny");
        var backend = new WrappedBackend(new ReferenceBackend(), wrapper, options.maxTokensPerStep().isEmpty());
        return new LoadedLlm(model, backend, options, List.of(listeners));
    }

    /** A KV cache of so many positions. */
    public static EngineOptions options(int maxSequences, int maxTokensPerStep, int blockSize, int kvPositions) {
        return options(maxSequences, maxTokensPerStep, blockSize, kvPositions, true);
    }

    static EngineOptions options(int maxSequences, int maxTokensPerStep, int blockSize, int kvPositions, boolean prefixCache) {
        long bytes = CONFIG.kvFloatsPerToken() * Float.BYTES * kvPositions;
        return new EngineOptions(OptionalInt.empty(), maxSequences, OptionalInt.of(maxTokensPerStep), blockSize, bytes, Optional.of(DType.F32),
                prefixCache, 64);
    }

    record WrappedBackend(Backend inner, UnaryOperator<ModelRunner> wrapper, boolean measuresSteps) implements Backend {
        @Override
        public String name() {
            return inner.name();
        }

        @Override
        public String describe() {
            return inner.describe();
        }

        @Override
        public String kernels() {
            return inner.kernels();
        }

        @Override
        public List<String> unsupported(Program program, WeightSource weights) {
            return inner.unsupported(program, weights);
        }

        @Override
        public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
            return wrapper.apply(inner.load(program, weights, options));
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
