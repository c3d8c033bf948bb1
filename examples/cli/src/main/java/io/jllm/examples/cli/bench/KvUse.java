package io.jllm.examples.cli.bench;

import io.jllm.EngineListener;
import java.util.OptionalDouble;

/** How well sequences fill the KV blocks that they hold, over the steps of a measurement. Told on the engine's thread, asked on any. */
public final class KvUse implements EngineListener {
    private double unfilled;
    private long steps;

    /** Steps count from here on. */
    public synchronized void begin() {
        unfilled = 0;
        steps = 0;
    }

    @Override
    public synchronized void step(Step step) {
        if (step.usedKvBlocks() > 0) {
            unfilled += step.unfilledKv();
            steps++;
        }
    }

    /** Which part of the positions in blocks of sequences held nothing, 0 to 1, in the mean of the steps that had such blocks; empty if none had. */
    public synchronized OptionalDouble unfilled() {
        return steps == 0 ? OptionalDouble.empty() : OptionalDouble.of(unfilled / steps);
    }
}
