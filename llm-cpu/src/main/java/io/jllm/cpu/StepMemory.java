package io.jllm.cpu;

import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.op.Activations;
import io.jllm.cpu.op.Compiler;
import io.jllm.cpu.op.TokenSpace;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.StepBatch;

/** Memory for the activations of a step, and the program compiled for it. It grows to the largest step seen. */
final class StepMemory implements AutoCloseable {
    private final Program program;
    private final RunnerOptions options;
    private final TokenSpace arranged;
    private final Compiler compiler;
    private Activations scratch;
    private Rows logits;
    private Compiler.Pass steps;

    /** For a single token. */
    StepMemory(Program program, RunnerOptions options, TokenSpace arranged, Compiler compiler) {
        this.program = program;
        this.options = options;
        this.arranged = arranged;
        this.compiler = compiler;
        scratch = new Activations(program, 1, 1, arranged);
        logits = scratch.rows(program.logits());
        try {
            compile();
        } catch (RuntimeException | Error e) {
            scratch.close();
            throw e;
        }
    }

    /** Compiles anew, for what an op does has changed. */
    void compile() {
        steps = compiler.compile(scratch);
    }

    /** Makes room for a step. */
    void reserve(StepBatch b) {
        if (b.tokens <= scratch.tokens() && b.logitRows <= scratch.logitRows()) {
            return;
        }
        if (b.tokens > options.maxTokensPerStep() || b.logitRows > options.maxLogitRows()) {
            throw new IllegalArgumentException("a step of " + b.tokens + " tokens and " + b.logitRows + " rows of logits; the limits are "
                    + options.maxTokensPerStep() + " and " + options.maxLogitRows());
        }
        Activations old = scratch;
        scratch = new Activations(program, Activations.grown(old.tokens(), b.tokens, options.maxTokensPerStep()),
                Activations.grown(old.logitRows(), b.logitRows, options.maxLogitRows()), arranged);
        logits = scratch.rows(program.logits());
        compile();
        old.close();
    }

    /** The program. */
    Compiler.Pass steps() {
        return steps;
    }

    /** Where the logits are. */
    Rows logits() {
        return logits;
    }

    /** Where a value is. */
    Rows rows(Value v) {
        return scratch.rows(v);
    }

    /** Rows of logits that there is room for. */
    int logitRows() {
        return scratch.logitRows();
    }

    long bytes() {
        return scratch.bytes() + compiler.bytes();
    }

    @Override
    public void close() {
        scratch.close();
    }
}
