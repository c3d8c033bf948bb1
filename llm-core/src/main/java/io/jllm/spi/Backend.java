package io.jllm.spi;

import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * An opened device. Safe for one thread at a time.
 *
 * <p>Each backend states in its provider's documentation how far it keeps batch invariance, as {@link io.jllm.LLM} explains it. The CPU
 * backend keeps it exactly: ids and log-probabilities of a request are the same to the last bit, whatever else is computed with it.
 * A GPU backend, whose libraries and kernels may split sums by the size of a batch, may give another token where two are nearly
 * tied.
 */
public interface Backend extends AutoCloseable {
    /** Its provider's name. */
    String name();

    /** One line: backend, device, threads, kernels and vector width, and why a better choice was not taken. */
    String describe();

    /** The kernels in use, as a user would name them. */
    String kernels();

    /** How keys and values are stored unless a user says otherwise. */
    default DType kvType() {
        return DType.F32;
    }

    /** Most tokens in a step unless a user says otherwise: enough for products at full speed, few enough that who generates waits little. */
    default int tokensPerStep() {
        return 512;
    }

    /**
     * Whether a loaded model is to be tried, for some steps, before it serves: steps in which sequences generate then have fewer tokens than
     * {@link #tokensPerStep} where those would take long, unless a user says how many.
     */
    default boolean measuresSteps() {
        return false;
    }

    /** Bytes a second at which the device's memory can be read, as its maker states; empty if that is not known. */
    default OptionalDouble memoryBandwidth() {
        return OptionalDouble.empty();
    }

    /** Bytes of the device's memory that a model could take now, whoever has taken the rest; empty if that is not known. */
    default OptionalLong freeMemory() {
        return OptionalLong.empty();
    }

    /** Every reason why this program with these weights cannot run here; empty if it can. */
    List<String> unsupported(Program program, WeightSource weights);

    /**
     * Prepares a model: weights, pages, scratch memory, warm-up. Fails here, never in the first request. The source stays
     * open while the runner lives.
     *
     * @throws IllegalArgumentException if the weights do not fit the program; every reason in one message
     */
    ModelRunner load(Program program, WeightSource weights, RunnerOptions options);

    /**
     * As {@link #load}, for a runner that tells a listener what each matrix is multiplied with. Matrices that only parts of heads meet
     * (those of compressed attention) are left out. Slower.
     *
     * @throws IllegalArgumentException if this backend cannot tell
     */
    default ModelRunner load(Program program, WeightSource weights, RunnerOptions options, ActivationListener listener) {
        throw new IllegalArgumentException("the " + name() + " backend does not tell what matrices are multiplied with: use the cpu backend");
    }

    /** As {@link #load}, for few steps whose time does not count: nothing is computed beforehand to make the first ones fast. By default the same. */
    default ModelRunner loadCold(Program program, WeightSource weights, RunnerOptions options) {
        return load(program, weights, options);
    }

    @Override
    void close();

    /**
     * Sizes that the engine asks for, each at least 1.
     *
     * @param maxTokensPerStep most tokens in a step
     * @param maxSequences most sequences in a step, and the number of sequence slots
     * @param maxLogitRows most rows of logits in a step
     * @param blockSize positions a KV block
     * @param maxBlocks KV blocks that could ever be used at once; the runner may have fewer, if memory says so
     * @param kvBytes limit of the KV cache in bytes; 0 leaves it to the backend and its memory
     * @param kvType how keys and values are stored
     */
    record RunnerOptions(int maxTokensPerStep, int maxSequences, int maxLogitRows, int blockSize, int maxBlocks, long kvBytes,
                         DType kvType) {
        /** Checks every size. */
        public RunnerOptions {
            atLeast(1, "maxTokensPerStep", maxTokensPerStep);
            atLeast(1, "maxSequences", maxSequences);
            atLeast(1, "maxLogitRows", maxLogitRows);
            atLeast(1, "blockSize", blockSize);
            atLeast(1, "maxBlocks", maxBlocks);
            atLeast(0, "kvBytes", kvBytes);
        }

        private static void atLeast(int least, String name, long value) {
            if (value < least) {
                throw new IllegalArgumentException(name + " must be at least " + least + ", was " + value);
            }
        }
    }
}
