package io.jllm.jmh.engine;

import io.jllm.engine.IdleRunner;
import io.jllm.model.Program;
import io.jllm.quant.WeightSource;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import java.util.List;

/** Computes nothing, and says one token after the other: what a step costs with it is spent by the engine. */
final class NothingBackend implements Backend {
    private final int vocab;

    NothingBackend(int vocab) {
        this.vocab = vocab;
    }

    @Override
    public String name() {
        return "nothing";
    }

    @Override
    public String describe() {
        return "nothing";
    }

    @Override
    public String kernels() {
        return "none";
    }

    @Override
    public List<String> unsupported(Program program, WeightSource weights) {
        return List.of();
    }

    @Override
    public ModelRunner load(Program program, WeightSource weights, RunnerOptions options) {
        return new IdleRunner(options.maxBlocks(), options.maxLogitRows(), vocab);
    }

    @Override
    public void close() {
        // there is nothing
    }
}
