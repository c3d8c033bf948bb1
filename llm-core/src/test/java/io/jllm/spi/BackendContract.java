package io.jllm.spi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every backend must do. A backend's tests extend this once for each way in which it can run. */
public abstract class BackendContract extends AdapterOpContract {
    private static final int VOCAB = 70;
    private static final int LENGTH = 40;
    /** What the order of sums may make of floats, where it may be another. */
    private static final double ORDER = 1e-3;

    private record Row(SamplerSettings settings, int[] tokens, int promptLength, int length, long[] allowed) implements RowSampling {
        @Override
        public int slot() {
            return 0;
        }
    }

    /** How much a row may change with what else is in its batch, relative to its largest number: on a processor not at all. */
    protected double neighbourTolerance() {
        return 0;
    }

    private static Program model() {
        return TinyModels.program(TinyModels.config(VOCAB, 2, 256, 256, new Op.AttentionShape(6, 2, 36), 256, 0));
    }

    @Test
    void whatATokenGetsDependsOnNothingElseInTheBatch() {
        for (DType type : List.of(DType.F32, DType.BF16, DType.Q4_0, DType.Q8_0, DType.Q6_K)) {
            independent(model(), type, MODEL * either(type));
        }
    }

    @Test
    void inMixturesAndLatentAttentionTooNothingElseCounts() {
        for (DType type : List.of(DType.F32, DType.Q4_0, DType.Q5_1)) {
            // Their matrices are small: where bytes may round either way, they are as far off as from the oracle, and tokens may go to other experts.
            if (neighbourTolerance() == 0 || !quantises(type)) {
                independent(TinyModels.mixture(VOCAB, 256, 96, 2), type, 0);
            }
            independent(TinyModels.latent(VOCAB, 64, 2), type, 16 * either(type));
        }
    }

    private void independent(Program program, DType type, double rounding) {
        WeightSource weights = Oracle.weights(program, type);
        List<float[]> alone = alone(program, weights);
        double any = neighbourTolerance();
        double most = any == 0 ? 0 : quantises(type) ? Math.max(any, rounding) : Math.min(any, ORDER + 4 * manyTolerance(type));
        String what = type + ", " + program.ops().size() + " ops, " + program.ops().get(program.ops().size() / 2).getClass().getSimpleName() + ", ";
        batched(program, weights, alone, 1, 16, most, what);
        batched(program, weights, alone, 2, 1, most, what);
        batched(program, weights, alone, 3, 7, most, what);
    }

    /** Steps of prompts, of one and of several sequences. */
    @Test
    void passesThatAreTimedGiveTheSame() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.Q4_0);
        try (Backend backend = open(2); ModelRunner runner = backend.load(program, weights, Oracle.options(16, 60));
                ModelRunner timed = backend.load(program, weights, Oracle.options(16, 60))) {
            var sequences = new PagedSequences(2, 16, 60, LENGTH, VOCAB, 4);
            var others = new PagedSequences(2, 16, 60, LENGTH, VOCAB, 4);
            for (int[] counts : new int[][] {{9, 5}, {1, 0}, {1, 1}, {3, 1}}) {
                float[] rows = Oracle.forward(runner, sequences.next(counts), VOCAB);
                StepBatch b = others.next(counts);
                List<KernelTime> times = timed.forwardTimed(b);
                var same = new float[rows.length];
                MemorySegment.copy(timed.logits(), ValueLayout.JAVA_FLOAT, 0, same, 0, same.length);
                same(rows, same, ORDER, Arrays.toString(counts));
                assertTrue(times.stream().allMatch(t -> t.launches() > 0 && t.microseconds() > 0), times.toString());
                assertEquals(times.stream().map(KernelTime::kernel).distinct().count(), times.size());
                long read = times.stream().mapToLong(KernelTime::weightBytes).sum();
                long products = program.ops().stream().mapToLong(op -> op instanceof Op.Linear l
                        ? l.weights().stream().mapToLong(w -> weights.get(w.name()).bytes()).sum() : 0).sum();
                assertTrue(read >= products, "weights of products have " + products + " bytes, " + times + " read " + read);
            }
        }
    }

    /** Enough positions that their sums are merged from several parts, and with two heads of keys that threads share them. */
    @Test
    void whatATokenGetsFromManyPositionsDependsOnNothingElse() {
        Program program = TinyModels.program(TinyModels.config(VOCAB, 1, 32, 32, new Op.AttentionShape(4, 2, 32), 1024, 0));
        WeightSource weights = Oracle.weights(program, DType.F32);
        int length = 600;
        for (DType kvType : kvTypes()) {
            var alone = new ArrayList<float[]>();
            try (Backend backend = open(3); ModelRunner runner = backend.load(program, weights, Oracle.options(16, 80, kvType))) {
                var sequences = new PagedSequences(2, 16, 80, length, VOCAB, 5);
                for (int i = 0; i < length; i++) {
                    alone.add(Oracle.forward(runner, sequences.next(1, 0), VOCAB));
                }
            }
            try (Backend backend = open(1); ModelRunner runner = backend.load(program, weights, Oracle.options(7, 200, kvType))) {
                var sequences = new PagedSequences(2, 7, 200, length, VOCAB, 6);
                int position = 0;
                for (int count : new int[] {120, 131, 1, 4, 3, 157, 84, 100}) {
                    float[] rows = Oracle.forward(runner, sequences.next(count, position % 3), VOCAB);
                    for (int i = 0; i < count; i++) {
                        same(alone.get(position), Arrays.copyOfRange(rows, i * VOCAB, (i + 1) * VOCAB), neighbourTolerance(),
                                kvType + ", position " + position++);
                    }
                }
                assertEquals(length, position);
            }
        }
    }

    /** Logits of 4 sequences, each by itself and token by token. */
    private List<float[]> alone(Program program, WeightSource weights) {
        var rows = new ArrayList<float[]>();
        try (Backend backend = open(1); ModelRunner runner = backend.load(program, weights, Oracle.options(3, 60))) {
            for (int s = 0; s < 4; s++) {
                var sequences = new PagedSequences(4, 3, 60, LENGTH, VOCAB, s);
                var counts = new int[4];
                counts[s] = 1;
                for (int i = 0; i < LENGTH; i++) {
                    rows.add(Oracle.forward(runner, sequences.next(counts), VOCAB));
                }
            }
        }
        return rows;
    }

    private void batched(Program program, WeightSource weights, List<float[]> alone, int threads, int blockSize, double most, String what) {
        try (Backend backend = open(threads); ModelRunner runner = backend.load(program, weights, Oracle.options(blockSize, 200))) {
            var sequences = new PagedSequences(4, blockSize, 200, LENGTH, VOCAB, 9);
            var at = new int[4];
            for (int[] counts : new int[][] {{38, 0, 0, 1}, {0, 13, 2, 1}, {1, 26, 1, 4}, {1, 1, 37, 10}, {0, 0, 0, 24}}) {
                float[] rows = Oracle.forward(runner, sequences.next(counts), VOCAB);
                int row = 0;
                for (int s = 0; s < 4; s++) {
                    for (int i = 0; i < counts[s]; i++) {
                        int position = at[s]++;
                        same(alone.get(s * LENGTH + position), Arrays.copyOfRange(rows, row * VOCAB, ++row * VOCAB), most,
                                what + threads + " threads, blocks of " + blockSize + ", position " + position);
                    }
                }
            }
            assertEquals(4 * LENGTH, Arrays.stream(at).sum());
        }
    }

    private static void same(float[] want, float[] got, double most, String what) {
        double largest = 0;
        for (float x : want) {
            largest = Math.max(largest, Math.abs(x));
        }
        for (int i = 0; i < want.length; i++) {
            int at = i;
            assertTrue(Math.abs(want[i] - got[i]) <= most * largest,
                    () -> what + ", column " + at + ": " + got[at] + " instead of " + want[at]);
        }
    }

    @Test
    void copiedBlocksHoldTheSameAndStepsMayWantNoLogits() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.F32);
        try (Backend backend = open(2); ModelRunner runner = backend.load(program, weights, Oracle.options(4, 30))) {
            var sequences = new PagedSequences(1, 4, 10, LENGTH, VOCAB, 1);
            StepBatch prompt = sequences.next(11);
            prompt.logitRows = 0;
            runner.forward(prompt);
            StepBatch b = sequences.next(1);
            float[] want = Oracle.forward(runner, b, VOCAB);
            var pairs = new int[6];
            for (int i = 0; i < 3; i++) {
                pairs[2 * i] = b.blockTable[i];
                pairs[2 * i + 1] = 20 + i;
                b.blockTable[i] = 20 + i;
            }
            runner.copyBlocks(pairs);
            b.kvSlots[0] = 22 * 4 + b.kvSlots[0] % 4;
            assertArrayEquals(want, Oracle.forward(runner, b, VOCAB));
        }
    }

    @Test
    void samplesAndRanksAsTheOracleDoesWithTheSameLogits() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.F32);
        try (Backend backend = open(2); ModelRunner runner = backend.load(program, weights, Oracle.options(4, 30));
                ModelRunner oracle = new ReferenceBackend().load(program, weights, Oracle.options(4, 30))) {
            StepBatch b = new PagedSequences(1, 4, 30, LENGTH, VOCAB, 1).next(9);
            runner.forward(b);
            oracle.forward(b);
            var rows = new RowSampling[9];
            int[] said = {3, 1, 4, 1, 5};
            for (int i = 0; i < rows.length; i++) {
                var settings = new SamplerSettings(i % 3 * 0.7f, i % 2 * 10, 0.9f, 0.01f, 1.3f, 0.1f, 0.1f, i, LogitBias.NONE);
                rows[i] = new Row(i == 0 ? SamplerSettings.GREEDY : settings, said, 2, 5, RowSampling.ALL);
            }
            var tokens = new int[2][9];
            var logprobs = new float[2][9];
            runner.sample(rows, 9, tokens[0], logprobs[0]);
            oracle.sample(rows, 9, tokens[1], logprobs[1]);
            assertArrayEquals(tokens[1], tokens[0]);
            assertArrayEquals(logprobs[1], logprobs[0], 1e-4f);
            var ids = new int[2][9];
            runner.topK(new int[] {8, 0, 3}, 3, ids[0], logprobs[0]);
            oracle.topK(new int[] {8, 0, 3}, 3, ids[1], logprobs[1]);
            assertArrayEquals(ids[1], ids[0]);
            assertArrayEquals(logprobs[1], logprobs[0], 1e-4f);
            rows[1] = null;
            tokens[0][1] = -7;
            runner.sample(rows, 2, tokens[0], logprobs[0]);
            assertEquals(-7, tokens[0][1]);
        }
    }

    /** Where the backend draws such rows at all: else the engine does. */
    @Test
    void drawsUnderMasksAsTheOracleDoes() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.F32);
        try (Backend backend = open(2); ModelRunner runner = backend.load(program, weights, Oracle.options(4, 30));
                ModelRunner oracle = new ReferenceBackend().load(program, weights, Oracle.options(4, 30))) {
            StepBatch b = new PagedSequences(1, 4, 30, LENGTH, VOCAB, 1).next(12);
            runner.forward(b);
            oracle.forward(b);
            var rows = new RowSampling[12];
            int[] said = {3, 1, 4, 1, 5};
            long[][] masks = {{0, 1L << 69}, {-1, -1}, {0x5a5a_0f0f_3333_8421L, 0x2a}, {1L << 31 | 1L << 32, 0}};
            for (int i = 0; i < rows.length; i++) {
                var settings = i % 3 == 0 ? SamplerSettings.GREEDY
                        : new SamplerSettings(i % 3 * 0.7f, i % 2 * 10, 0.9f, 0.01f, 1.3f, 0.1f, 0.1f, i, LogitBias.NONE);
                rows[i] = new Row(settings, said, 2, 5, masks[i % 4]);
            }
            assumeTrue(Arrays.stream(rows).allMatch(runner::samplesOnDevice), "rows with masks are not drawn here");
            var tokens = new int[2][12];
            var logprobs = new float[2][12];
            runner.sample(rows, 12, tokens[0], logprobs[0]);
            oracle.sample(rows, 12, tokens[1], logprobs[1]);
            assertArrayEquals(tokens[1], tokens[0]);
            assertArrayEquals(logprobs[1], logprobs[0], 1e-4f);
            for (int i = 0; i < 12; i++) {
                assertTrue((masks[i % 4][tokens[0][i] / 64] >>> tokens[0][i] & 1) == 1, "row " + i + ": " + tokens[0][i]);
                assertTrue(i % 4 != 0 || tokens[0][i] == 69);
            }
        }
    }

    @Test
    void takesTokensThatNobodyHasRead() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.F32);
        try (Backend backend = open(2); ModelRunner late = backend.load(program, weights, Oracle.options(4, 60));
                ModelRunner plain = backend.load(program, weights, Oracle.options(4, 60))) {
            assumeTrue(late.overlaps(), "this backend does not overlap");
            DrawnTokens.check(late, plain, VOCAB);
        }
    }

    @Test
    void memoryIsCountedAndTheCacheGrowsOnlyWithUse() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.Q4_0);
        var options = new Backend.RunnerOptions(160, 8, 160, 16, 1_000_000, 0, DType.F32);
        long block = 2L * 2 * 2 * 36 * 16 * Float.BYTES;
        try (Backend backend = open(2); ModelRunner runner = backend.load(program, weights, options)) {
            long mapped = weights.names().stream().mapToLong(n -> weights.get(n).bytes()).sum();
            // What is rearranged may be filled up to whole groups of rows.
            long most = weights.names().stream().map(weights::get).mapToLong(t -> t.rowBytes() * (t.rows() + 15) / 16 * 16).sum();
            assertTrue(runner.memory().weights() >= mapped && runner.memory().weights() <= most, runner.memory().toString());
            assertTrue(runner.blocks() <= 1_000_000 && runner.memory().kvLimit() >= runner.blocks() * block, runner.memory().toString());
            runner.forward(new PagedSequences(1, 16, 4, 60, VOCAB, 1).next(60));
            assertTrue(runner.memory().kv() >= 4 * block && runner.memory().kv() < 32 << 20, runner.memory().toString());
            assertTrue(runner.memory().scratch() > 0);
        }
        var limited = new Backend.RunnerOptions(160, 8, 160, 16, 1_000_000, 5 * block + 1, DType.F32);
        try (Backend backend = open(1); ModelRunner runner = backend.load(program, weights, limited)) {
            assertEquals(5, runner.blocks());
        }
        var none = new Backend.RunnerOptions(160, 8, 160, 16, 1_000_000, block - 1, DType.F32);
        try (Backend backend = open(1)) {
            String message = assertThrows(IllegalArgumentException.class, () -> backend.load(program, weights, none)).getMessage();
            assertTrue(message.contains("kvCache") && message.contains("" + block) && message.contains("" + (block - 1)), message);
        }
    }

    @Test
    void everyMisfitIsNamedAtOnce() {
        Program program = TinyModels.program(TinyModels.config(VOCAB).with(true, new ModelConfig.Biases(true, false, false)));
        var broken = new LinkedHashMap<>(Oracle.weights(program, DType.F32).tensors());
        broken.remove("blk.1.ffn_up.weight");
        broken.remove("blk.0.attn_k.bias");
        broken.put("output_norm.weight", TinyModels.tensor("output_norm.weight", DType.F32, 1, 2, new float[2]));
        Tensor q = broken.get("blk.0.attn_q.weight");
        broken.put(q.name(), new Tensor(q.name(), DType.I32, q.rows(), q.cols(), q.data()));
        var weights = new TinyModels.MemoryWeights(broken);
        try (Backend backend = open(1)) {
            List<String> reasons = backend.unsupported(program, weights);
            assertEquals(4, reasons.size(), reasons.toString());
            String message = assertThrows(IllegalArgumentException.class,
                    () -> backend.load(program, weights, Oracle.options(4, 4))).getMessage();
            for (String part : List.of("blk.1.ffn_up.weight", "blk.0.attn_k.bias", "1 x 2", "64", "I32")) {
                assertTrue(message.contains(part), message);
            }
        }
    }

    @Test
    void aTokenOutsideTheVocabularyIsNamed() {
        Program program = model();
        WeightSource weights = Oracle.weights(program, DType.F32);
        try (Backend backend = open(2); ModelRunner runner = backend.load(program, weights, Oracle.options(4, 30))) {
            StepBatch b = new PagedSequences(1, 4, 30, LENGTH, VOCAB, 1).next(3);
            b.tokenIds[1] = VOCAB;
            String message = assertThrows(IllegalArgumentException.class, () -> runner.forward(b)).getMessage();
            assertTrue(message.contains("70"), message);
            b.tokenIds[1] = 0;
            runner.forward(b);
        }
    }
}
