package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Program;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerChain;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.PagedSequences;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The device draws from its logits what {@link SamplerChain} draws from the same ones. */
class CudaSamplingTest {
    private static final int HIDDEN = 8;
    private static final int ROWS = 40;

    private record Row(SamplerSettings settings, int slot, int[] tokens, int promptLength, int length, long[] allowed) implements RowSampling {
        Row(SamplerSettings settings, int slot, int[] tokens, int promptLength, int length) {
            this(settings, slot, tokens, promptLength, length, ALL);
        }

        /** The row as it is drawn from. */
        float[] masked(float[] row) {
            float[] out = row.clone();
            for (int id = 0; allowed.length > 0 && id < out.length; id++) {
                out[id] = (allowed[id / Long.SIZE] >>> id & 1) == 0 ? Float.NEGATIVE_INFINITY : row[id];
            }
            return out;
        }
    }

    /** All tokens but the last one forbidden, none, or any but token 0: something is left whatever the biases of {@link #random} ban. */
    private static long[] mask(Random r, int vocab) {
        var bits = new long[Math.ceilDiv(vocab, Long.SIZE)];
        switch (r.nextInt(3)) {
            case 0 -> bits[(vocab - 1) / Long.SIZE] = 1L << vocab - 1;
            case 1 -> Arrays.fill(bits, -1);
            default -> Arrays.setAll(bits, i -> r.nextLong() & r.nextLong() | (i == 0 ? 1 : 0));
        }
        return bits;
    }

    private interface Body {
        void run(ModelRunner runner, int vocab);
    }

    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    /** A model whose logits are a product of few numbers; the change edits its output matrix. */
    private static void with(int vocab, double size, java.util.function.Consumer<float[]> change, Body body) {
        var p = new Program.Builder();
        Program program = p.build(p.linear(p.selectRows(p.embed("table", vocab, HIDDEN)), new Weight("out", vocab, Optional.empty())));
        var tensors = new LinkedHashMap<String, Tensor>();
        var random = new Random(vocab);
        for (String name : List.of("table", "out")) {
            var values = new float[vocab * HIDDEN];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * (name.equals("out") ? size : 1));
            }
            if (name.equals("out")) {
                change.accept(values);
            }
            tensors.put(name, TinyModels.tensor(name, DType.F32, vocab, HIDDEN, values));
        }
        try (Backend backend = OnDevice.shared();
                ModelRunner runner = backend.load(program, new TinyModels.MemoryWeights(tensors), new RunnerOptions(ROWS, 8, ROWS, 16, 64, 0,
                        DType.F32))) {
            StepBatch b = new PagedSequences(1, 16, 64, ROWS, vocab, 1).next(ROWS);
            runner.forward(b);
            body.run(runner, vocab);
        }
    }

    private static float[] row(ModelRunner runner, int vocab, int r) {
        return runner.logits().asSlice((long) r * vocab * Float.BYTES, (long) vocab * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }

    private static SamplerSettings random(Random r, int vocab) {
        LogitBias bias = switch (r.nextInt(4)) {
            case 0 -> new LogitBias(new int[] {1, vocab / 2, vocab - 1}, new float[] {3, Float.NEGATIVE_INFINITY, -1.5f}, new int[0]);
            case 1 -> new LogitBias(new int[0], new float[0], r.ints(50, 0, vocab).toArray());
            default -> LogitBias.NONE;
        };
        return new SamplerSettings(r.nextInt(4) == 0 ? 0 : 0.1f + 2 * r.nextFloat(), new int[] {0, 1, 40, 3000}[r.nextInt(4)],
                new float[] {1, 0.9f, 0.3f, 0.999f, 0}[r.nextInt(5)], new float[] {0, 0, 0.05f, 1e-4f}[r.nextInt(4)], r.nextBoolean() ? 1 : 1.4f,
                r.nextBoolean() ? 0 : 0.6f, r.nextBoolean() ? 0 : -0.3f, r.nextLong(), bias);
    }

    @Test
    void drawsWhatTheChainDraws() {
        for (int vocab : new int[] {3, 1000, 32_000, 128_256}) {
            for (double size : new double[] {0.05, 1, 6}) {
                with(vocab, size, _ -> { }, CudaSamplingTest::compare);
            }
        }
    }

    /** A mask bans tokens before anything else is done, and changes no log-probability. */
    @Test
    void drawsUnderMasksWhatTheChainDrawsFromMaskedRows() {
        for (int vocab : new int[] {3, 64, 1000, 32_000, 128_256}) {
            with(vocab, 1, _ -> { }, (runner, n) -> {
                var random = new Random(n);
                var chain = new SamplerChain(n);
                for (int round = 0; round < 4; round++) {
                    var rows = new Row[ROWS];
                    for (int r = 0; r < ROWS; r++) {
                        int[] said = new Random(r % 8).ints(30 + 10 * round, 0, n).toArray();
                        SamplerSettings any = r % 4 == 0 ? SamplerSettings.GREEDY : random(random, n);
                        boolean lists = any.bias().allowed().length > 0; // they might leave nothing of a mask
                        rows[r] = new Row(any, r % 8, said, 5, said.length, r % 5 == 4 || lists ? RowSampling.ALL : mask(random, n));
                    }
                    var tokens = new int[ROWS];
                    var logprobs = new float[ROWS];
                    runner.sample(rows, ROWS, tokens, logprobs);
                    for (int r = 0; r < ROWS; r++) {
                        float[] raw = row(runner, n, r);
                        Row row = rows[r];
                        int want = chain.sample(row.masked(raw), row.settings(), row.tokens(), 5, row.length(), new float[1], 0);
                        double logprob = raw[want] - chain.logSumExp(raw);
                        String what = "row " + r + " of " + n + " tokens, round " + round + ": " + row;
                        assertEquals(want, tokens[r], what);
                        assertEquals(logprob, logprobs[r], 1e-5 * Math.max(1, Math.abs(logprob)), what);
                    }
                }
            });
        }
    }

    /** Among equal logits the lowest id is the best, for every stage. */
    @Test
    void tiesGoToLowerIds() {
        with(5000, 1, values -> {
            for (int i = 0; i < values.length; i++) {
                values[i] = Math.round(values[i]);
            }
            for (int id = 0; id < 5000; id++) {
                System.arraycopy(values, id % 7 * HIDDEN, values, id * HIDDEN, HIDDEN);
            }
        }, CudaSamplingTest::compare);
    }

    private static void compare(ModelRunner runner, int vocab) {
        var random = new Random(vocab);
        var chain = new SamplerChain(vocab);
        for (int round = 0; round < 3; round++) {
            var rows = new RowSampling[ROWS];
            for (int r = 0; r < ROWS; r++) {
                int slot = r % 8; // what a slot says only ever gets longer
                int[] said = new Random(slot).ints(30 + 10 * round, 0, vocab).toArray();
                rows[r] = r % 5 == 4 ? null : new Row(r % 3 == 0 ? SamplerSettings.GREEDY : random(random, vocab), slot, said, 5, said.length);
            }
            var tokens = new int[ROWS];
            var logprobs = new float[ROWS];
            Arrays.fill(tokens, -7);
            runner.sample(rows, ROWS, tokens, logprobs);
            for (int r = 0; r < ROWS; r++) {
                if (rows[r] == null) {
                    assertEquals(-7, tokens[r]);
                    continue;
                }
                var logprob = new float[1];
                int want = chain.sample(row(runner, vocab, r), rows[r].settings(), rows[r].tokens(), 5, rows[r].length(), logprob, 0);
                String what = "row " + r + " of " + vocab + " tokens, round " + round + ": " + rows[r].settings();
                assertEquals(want, tokens[r], what);
                assertEquals(logprob[0], logprobs[r], 1e-5 * Math.max(1, Math.abs(logprob[0])), what);
            }
        }
        for (int k : new int[] {1, 2, 20, 256, 300}) {
            int n = Math.min(k, vocab);
            int[] asked = {5, 0, 39};
            var ids = new int[3 * n];
            var logprobs = new float[3 * n];
            runner.topK(asked, n, ids, logprobs);
            var wantIds = new int[3 * n];
            var want = new float[3 * n];
            for (int i = 0; i < 3; i++) {
                chain.topK(row(runner, vocab, asked[i]), n, wantIds, want, i * n);
            }
            assertArrayEquals(wantIds, ids, "the " + n + " best of " + vocab);
            for (int i = 0; i < want.length; i++) {
                assertEquals(want[i], logprobs[i], 1e-5 * Math.max(1, Math.abs(want[i])));
            }
        }
    }

    @Test
    void forkedSlotsHaveSaidTheSame() {
        with(500, 1, _ -> { }, (runner, vocab) -> {
            var chain = new SamplerChain(vocab);
            var settings = new SamplerSettings(0.8f, 0, 1, 0, 1.5f, 0.5f, 0.25f, 3, LogitBias.NONE);
            int[] said = new Random(1).ints(60, 0, vocab).toArray();
            int[] other = said.clone();
            Arrays.fill(other, 40, 60, 7);
            List<Row> steps = new ArrayList<>(List.of(new Row(settings, 0, said, 10, 40), new Row(settings, 3, other, 10, 50),
                    new Row(settings, 0, said, 10, 55),
                    new Row(settings, 5, other, 10, 60)));
            for (int i = 0; i < steps.size(); i++) {
                Row s = steps.get(i);
                if (i == 1) {
                    runner.forkSlot(0, 3);
                } else if (i == 3) {
                    runner.releaseSlot(3);
                    runner.forkSlot(3, 5);
                }
                var token = new int[1];
                var logprob = new float[1];
                runner.sample(new RowSampling[] {s}, 1, token, logprob);
                assertEquals(chain.sample(row(runner, vocab, 0), settings, s.tokens(), 10, s.length(), logprob, 0), token[0], "step " + i);
            }
        });
    }

    @Test
    void rowsThatCannotBeDrawnFromAreNamed() {
        for (var broken : Map.of(Float.NaN, "token 17 is not a number", Float.NEGATIVE_INFINITY, "").entrySet()) {
            with(300, 1, values -> values[17 * HIDDEN] = broken.getKey(), (runner, vocab) -> {
                float[] row = row(runner, vocab, 0);
                for (SamplerSettings s : List.of(SamplerSettings.GREEDY, new SamplerSettings(1, 5, 0.9f, 0, 1, 0, 0, 1, LogitBias.NONE))) {
                    var rows = new RowSampling[] {new Row(s, 0, new int[] {1}, 1, 1)};
                    if (Float.isNaN(row[17])) {
                        String message = assertThrows(IllegalStateException.class, () -> runner.sample(rows, 1, new int[1], new float[1]))
                                .getMessage();
                        assertTrue(message.contains(broken.getValue()), message);
                    } else {
                        runner.sample(rows, 1, new int[1], new float[1]);
                    }
                }
                var banned = new SamplerSettings(1, 0, 1, 0, 1, 0, 0, 1, new LogitBias(new int[] {4}, new float[] {Float.NEGATIVE_INFINITY},
                        new int[] {4}));
                if (!Float.isNaN(row[17])) {
                    String message = assertThrows(IllegalStateException.class,
                            () -> runner.sample(new RowSampling[] {new Row(banned, 0, new int[] {1}, 1, 1)}, 1, new int[1], new float[1]))
                            .getMessage();
                    assertTrue(message.contains("no token may be picked"), message);
                }
                var nothing = new Row(SamplerSettings.GREEDY, 0, new int[] {1}, 1, 1, new long[5]);
                if (!Float.isNaN(row[17])) {
                    String message = assertThrows(IllegalStateException.class,
                            () -> runner.sample(new RowSampling[] {nothing}, 1, new int[1], new float[1])).getMessage();
                    assertTrue(message.contains("mask"), message);
                }
                var outside = new SamplerSettings(1, 0, 1, 0, 1, 0, 0, 1, new LogitBias(new int[] {vocab}, new float[] {1}, new int[0]));
                String message = assertThrows(IllegalArgumentException.class,
                        () -> runner.sample(new RowSampling[] {new Row(outside, 0, new int[] {1}, 1, 1)}, 1, new int[1], new float[1])).getMessage();
                assertTrue(message.contains("300"), message);
            });
        }
    }
}
