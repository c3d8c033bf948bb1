package io.jllm.engine;

import io.jllm.MemoryReport;
import io.jllm.ModelLoadException;
import io.jllm.load.LoadedModel;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.Weights;
import io.jllm.spi.Backend;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a user may set of the engine.
 *
 * @param maxContext most positions of a sequence, at least 2; the model's own if empty
 * @param maxSequences most sequences in a step, 1 to 4096
 * @param maxTokensPerStep most tokens in a step, 1 to 65536; as the backend likes it if empty
 * @param blockSize positions a KV block, 1 to 256
 * @param kvBytes limit of the KV cache; 0 for what memory allows
 * @param kvType how keys and values are stored; as the backend likes it if empty
 * @param prefixCache whether sequences that begin alike share what is computed
 * @param maxQueuedRequests most requests that may wait for a place in the batch, at least 1
 */
public record EngineOptions(OptionalInt maxContext, int maxSequences, OptionalInt maxTokensPerStep, int blockSize, long kvBytes,
                            Optional<DType> kvType, boolean prefixCache, int maxQueuedRequests) {
    /** What suits most. */
    public static final EngineOptions DEFAULT = new EngineOptions(OptionalInt.empty(), 64, OptionalInt.empty(), 16, 0, Optional.empty(), true, 1024);

    /** Checks the ranges. */
    public EngineOptions {
        check("maxContext", maxContext.orElse(2), 2, Integer.MAX_VALUE);
        check("maxSequences", maxSequences, 1, 4096);
        check("maxTokensPerStep", maxTokensPerStep.orElse(1), 1, 65536);
        check("blockSize", blockSize, 1, 256);
        check("maxQueuedRequests", maxQueuedRequests, 1, Integer.MAX_VALUE);
        check("kvCache", kvBytes, 0, Long.MAX_VALUE);
    }

    private static void check(String name, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " must be " + min + " to " + max + ", was " + value);
        }
    }

    /** The context to serve: what was asked for, if the model has it. */
    int contextOf(int modelContext) {
        int wanted = maxContext.orElse(modelContext);
        if (wanted > modelContext) {
            throw new ModelLoadException("a context of " + wanted + " tokens was asked for, but the model was trained for "
                    + modelContext + "; ask for at most that");
        }
        return wanted;
    }

    /** What a model will take on a backend; of a tensor that its files lack, nothing, for loading will tell of it. */
    public MemoryReport.Forecast forecast(LoadedModel model, Backend backend) {
        long weights = WeightShape.of(model.program()).stream().flatMap(w -> model.weights().find(w.name()).stream()).mapToLong(Weights::bytes).sum();
        long positions = Math.min(maxContext.orElse(Integer.MAX_VALUE), model.config().maxContext());
        DType type = kvType.orElse(backend.kvType());
        long kv = positions * model.program().kvFloatsPerToken() * type.blockBytes() / type.blockElements();
        return new MemoryReport.Forecast(backend.name(), weights, kvBytes == 0 ? kv : Math.min(kv, kvBytes), backend.freeMemory());
    }
}
