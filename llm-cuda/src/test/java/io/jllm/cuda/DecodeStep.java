package io.jllm.cuda;

import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.util.Arrays;

/** Times decode steps. */
final class DecodeStep {
    private record One(int[] tokens, int length) implements RowSampling {
        @Override
        public SamplerSettings settings() {
            return SamplerSettings.GREEDY;
        }

        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int promptLength() {
            return 1;
        }
    }

    private DecodeStep() {
    }

    /** Microseconds of a decode step of one sequence of that length, drawing included. */
    static double micros(CudaRunner runner, int length) {
        return micros(runner, decode(1, length, length / 16 + 2));
    }

    private static double micros(CudaRunner runner, StepBatch b) {
        int n = b.sequences;
        var rows = new RowSampling[n];
        Arrays.fill(rows, new One(new int[] {1, 2, 3}, 3));
        var tokens = new int[n];
        var logprobs = new float[n];
        Runnable once = () -> {
            runner.forward(b);
            runner.sample(rows, n, tokens, logprobs);
        };
        middle(20, once); // warms up
        return middle(50, once);
    }

    private static double middle(int runs, Runnable action) {
        var times = new double[runs];
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            action.run();
            times[i] = (System.nanoTime() - start) / 1e3;
        }
        Arrays.sort(times);
        return times[runs / 2];
    }

    private static StepBatch decode(int n, int length, int blocks) {
        var b = new StepBatch(n, n, n, blocks);
        for (int s = 0; s < n; s++) {
            b.tokenIds[s] = 5 + s;
            b.positions[s] = length - 1;
            b.kvSlots[s] = (s * blocks + (length - 1) / 16) * 16 + (length - 1) % 16;
            b.queryStart[s + 1] = s + 1;
            b.contextLength[s] = length;
            b.logitRow[s] = s;
            b.sequenceSlot[s] = s;
            for (int i = 0; i < blocks; i++) {
                b.blockTable[s * blocks + i] = s * blocks + i;
            }
        }
        b.tokens = n;
        b.sequences = n;
        b.logitRows = n;
        return b;
    }
}
