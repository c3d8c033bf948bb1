package io.jllm.examples.cli.options;

import io.jllm.LLM;
import io.jllm.LlmBuilder;
import io.jllm.quant.DType;
import io.jllm.spi.ActivationType;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** On what a model is run, whichever it is. */
public abstract class ComputeOptions {
    @Option(names = "--backend", paramLabel = "NAME", description = "What runs it, such as cpu (default: the best there is).")
    private Optional<String> backend = Optional.empty();

    @Option(names = "--context", paramLabel = "N",
            description = "Most tokens of a sequence (default: as many as the model was trained for).")
    private Optional<Integer> context = Optional.empty();

    @Option(names = "--kv-type", paramLabel = "TYPE",
            description = "How the KV cache is stored: ${COMPLETION-CANDIDATES} (default: f32 on a CPU, f16 on a GPU).")
    private Optional<KvType> kvType = Optional.empty();

    @Option(names = "--kernels", paramLabel = "NAME", description = "auto, avx512, avx2, vector or scalar (default: auto).")
    private Optional<String> kernels = Optional.empty();

    @Option(names = "--activations", paramLabel = "TYPE",
            description = "What quantised weights are multiplied by: auto, int8 or float, which is slower and exact (default: auto).")
    private Optional<ActivationType> activations = Optional.empty();

    /** Types of a KV cache, as they are typed. */
    enum KvType {
        f32(DType.F32), f16(DType.F16), bf16(DType.BF16), q8_0(DType.Q8_0), fp8_e4m3(DType.F8_E4M3);

        private final DType type;

        KvType(DType type) {
            this.type = type;
        }
    }

    /** What {@code --context} said. */
    public OptionalInt context() {
        return context.map(OptionalInt::of).orElseGet(OptionalInt::empty);
    }

    /** A model with everything that was chosen here, ready to open. */
    protected final LlmBuilder chosen(Path path) {
        LlmBuilder builder = LLM.load(path);
        backend.ifPresent(builder::backend);
        context.ifPresent(builder::maxContext);
        kvType.ifPresent(k -> builder.kvType(k.type));
        kernels.ifPresent(builder::kernels);
        activations.ifPresent(builder::activations);
        return builder;
    }
}
