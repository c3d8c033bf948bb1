package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.machine.MachineKernels;
import io.jllm.cpu.machine.asm.Isa;
import io.jllm.cpu.os.ThreadTeam;
import io.jllm.cpu.tier.KernelChoice;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerChain;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Against the sampler that goes over each row by itself. */
class RowSamplerTest {
    private static final int[] SIZES = {1, 5, 2047, 2048, 2049, 5000};
    private static final List<SamplerSettings> HOW = List.of(SamplerSettings.GREEDY,
            new SamplerSettings(1, 0, 1, 0, 1, 0, 0, 5, LogitBias.NONE), new SamplerSettings(0, 0, 1, 0, 1.3f, 0.5f, 0, 5, LogitBias.NONE),
            new SamplerSettings(0.7f, 40, 0.9f, 0.01f, 1, 0, 0, 6, LogitBias.NONE), new SamplerSettings(2, 0, 0, 0, 1, 0, 0, 7, LogitBias.NONE),
            new SamplerSettings(2, 40, 0, 0.01f, 1.3f, 0, 0, 8, LogitBias.NONE));

    private record Row(SamplerSettings settings) implements RowSampling {
        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int[] tokens() {
            return new int[] {0, 0, 0};
        }

        @Override
        public int promptLength() {
            return 2;
        }

        @Override
        public int length() {
            return 3;
        }
    }

    private interface Check {
        void run(RowSampler sampling, Rows logits, float[][] rows);
    }

    /** Scalar and vector ones, and machine code of every instruction set that runs here. */
    private static List<KernelChoice> kernels() {
        var names = new ArrayList<>(List.of("scalar", "vector"));
        for (Isa isa : Isa.values()) {
            MachineKernels.of(isa).ifPresent(m -> names.add(m.name()));
        }
        return names.stream().map(KernelChoice::of).toList();
    }

    private static void check(KernelChoice kernels, int vocab, float[][] rows, Check check) {
        for (int threads = 1; threads <= 3; threads++) {
            try (Arena arena = Arena.ofShared(); var team = new ThreadTeam(threads, "sampling")) {
                var logits = new Rows(arena.allocate((long) rows.length * vocab * Float.BYTES, 64), 0, vocab);
                for (int r = 0; r < rows.length; r++) {
                    MemorySegment.copy(rows[r], 0, logits.data(), Rows.FLOAT, logits.row(r), vocab);
                }
                var workspaces = new Workspace[threads];
                for (int i = 0; i < threads; i++) {
                    workspaces[i] = new Workspace(arena, 64);
                }
                check.run(new RowSampler(vocab, team, kernels, workspaces), logits, rows);
            }
        }
    }

    private static float[] row(Random random, int vocab, float scale) {
        var row = new float[vocab];
        for (int i = 0; i < vocab; i++) {
            row[i] = (float) random.nextGaussian() * scale;
        }
        return row;
    }

    @Test
    void drawsWhatTheSamplerDraws() {
        var random = new Random(1);
        for (KernelChoice kernels : kernels()) {
            for (int vocab : SIZES) {
                float[][] rows = {row(random, vocab, 1), row(random, vocab, 30), row(random, vocab, 0), row(random, vocab, 5), row(random, vocab, 1)};
                rows[4][vocab / 2] = Float.POSITIVE_INFINITY;
                for (int i = 0; i < vocab - 1; i++) {
                    rows[3][i] = Float.NEGATIVE_INFINITY;
                }
                var chain = new SamplerChain(vocab);
                for (SamplerSettings how : HOW) {
                    check(kernels, vocab, rows, (sampling, logits, _) -> {
                        RowSampling[] asked = {new Row(how), null, new Row(how), new Row(how), new Row(how)};
                        int[] got = {-1, -1, -1, -1, -1};
                        var logprobs = new float[5];
                        sampling.sample(logits, asked, 5, got, logprobs);
                        assertEquals(-1, got[1]);
                        for (int r : new int[] {0, 2, 3, 4}) {
                            var want = new float[1];
                            assertEquals(chain.sample(rows[r], how, asked[r].tokens(), 2, 3, want, 0), got[r], how + ", row " + r + " of " + vocab);
                            assertEquals(want[0], logprobs[r], Math.abs(want[0]) * 1e-6 + 2e-6, how + ", row " + r + " of " + vocab);
                        }
                    });
                }
            }
        }
    }

    @Test
    void theMostLikelyAreThoseOfTheSampler() {
        for (int vocab : SIZES) {
            float[][] rows = {row(new Random(2), vocab, 1), row(new Random(3), vocab, 9), row(new Random(4), vocab, 1)};
            int k = Math.min(vocab, 4);
            var chain = new SamplerChain(vocab);
            for (KernelChoice kernels : kernels()) {
                check(kernels, vocab, rows, (sampling, logits, _) -> {
                    var ids = new int[2 * k];
                    var logprobs = new float[2 * k];
                    sampling.topK(logits, new int[] {2, 1}, k, ids, logprobs);
                    var want = new int[2 * k];
                    var wantLogprobs = new float[2 * k];
                    chain.topK(rows[2], k, want, wantLogprobs, 0);
                    chain.topK(rows[1], k, want, wantLogprobs, k);
                    assertArrayEquals(want, ids);
                    assertArrayEquals(wantLogprobs, logprobs, 2e-5f);
                });
            }
        }
    }

    @Test
    void rowsThatNothingCanBeDrawnFromAreRefused() {
        for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            float[][] rows = {row(new Random(2), 3000, 0)};
            if (Float.isNaN(bad)) {
                rows[0][2500] = bad;
            } else {
                Arrays.fill(rows[0], bad);
            }
            for (SamplerSettings how : HOW) {
                for (KernelChoice kernels : kernels()) {
                    check(kernels, 3000, rows, (sampling, logits, _) -> {
                        String message = assertThrows(IllegalStateException.class, () -> sampling.sample(logits, new RowSampling[] {new Row(how)}, 1,
                                new int[1], new float[1])).getMessage();
                        assertTrue(message.contains(Float.isNaN(bad) ? "token 2500 is not a number" : "negative infinity"), message);
                    });
                }
            }
        }
    }
}
