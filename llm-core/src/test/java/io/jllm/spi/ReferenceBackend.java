package io.jllm.spi;

import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.util.List;
import java.util.function.Predicate;

/** The oracle as a backend: {@code backend("reference")} in tests, on any machine. */
public final class ReferenceBackend implements Backend {
    private final Predicate<DType> quantises;

    /** With float activations everywhere. */
    public ReferenceBackend() {
        this(_ -> false);
    }

    /** With activations of 8 bits for products by weights of some formats. */
    public ReferenceBackend(Predicate<DType> quantises) {
        this.quantises = quantises;
    }

    /** Makes it a choice wherever the test jar is on the class path; never the default. */
    public static final class Provider implements BackendProvider {
        @Override
        public String name() {
            return "reference";
        }

        @Override
        public Probe probe() {
            return new Probe.Available(Integer.MIN_VALUE, "scalar oracle of the tests");
        }

        @Override
        public Backend open(BackendOptions options) {
            return new ReferenceBackend();
        }
    }

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public String describe() {
        return "reference backend, 1 thread";
    }

    @Override
    public String kernels() {
        return "reference";
    }

    @Override
    public List<String> unsupported(Program program, WeightSource weights) {
        return WeightCheck.problems(program, weights, WeightCheck::decodes);
    }

    @Override
    public ReferenceRunner load(Program program, WeightSource weights, RunnerOptions options) {
        List<String> reasons = unsupported(program, weights);
        if (!reasons.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", reasons));
        }
        return new ReferenceRunner(program, weights, options, quantises);
    }

    @Override
    public void close() {
        // holds nothing
    }
}
