package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chains of products of a few rows on the device, beside the kernels that do the same products one by one. */
class CudaRowChainsTest {
    private static final int TILE = 8;
    private static final int SEQUENCES = 20;
    private static final int BLOCK = 16;
    private static final int STEPS = 5;
    private static final int VOCABULARY = 101;

    @BeforeEach
    void aDeviceIsThere() {
        OnDevice.assume();
    }

    /** Of blocks up to so many rows take other kernels where no chain is, which add up in another order, and so do those of one tile and two. */
    private static final int FEWER = 4;

    /** Widths that are and are not multiples of a chunk of 512 columns; more outputs than one pass over the blocks takes; tied and plain heads. */
    @ParameterizedTest
    @CsvSource({"F16, 256, 704, 4, 2, 64, 3", "BF16, 256, 704, 4, 2, 64, 3", "F16, 1088, 576, 17, 1, 64, 2", "F16, 192, 33920, 3, 3, 64, 1",
            "BF16, 64, 64, 4, 4, 16, 2", "Q4_0, 256, 704, 4, 2, 64, 3", "Q4_0, 1088, 2784, 17, 1, 64, 2", "Q4_0, 192, 14336, 3, 3, 64, 1",
            "Q4_0, 32, 32, 2, 2, 16, 2"})
    void rowsDoNotDependOnTheirNumber(DType type, int hidden, int ffn, int heads, int kvHeads, int headDim, int layers) {
        Program program = TinyModels.program(TinyModels.config(VOCABULARY, layers, hidden, ffn, new Op.AttentionShape(heads, kvHeads, headDim),
                256, 0));
        try (ModelRunner runner = OnDevice.shared().load(program, TinyModels.weights(program, type, 7),
                new RunnerOptions(64, SEQUENCES, SEQUENCES, BLOCK, SEQUENCES, 0, DType.F32))) {
            int chained = type == DType.Q4_0 ? 2 * TILE : TILE;
            float[][] others = logits(runner, chained + FEWER);
            float[][] most = logits(runner, chained);
            double worst = 0;
            for (int s = 0; s < chained; s++) {
                worst = Math.max(worst, difference(most[s], others[s]));
            }
            assertTrue(worst < tolerance(type), "chains differ from single products by " + worst + " of the largest logit");
            float[][] tile = chained == TILE ? most : logits(runner, TILE);
            for (int n = 2; n < chained; n++) {
                float[][] fewer = logits(runner, n);
                float[][] more = n <= TILE ? tile : most;
                assertTrue(difference(fewer[0], most[0]) < tolerance(type), () -> "few rows differ from more");
                for (int s = 0; s < n; s++) {
                    String row = "row " + s + " of " + n;
                    if (type == DType.Q4_0 && n <= FEWER) {
                        double apart = difference(fewer[s], more[s]);
                        assertTrue(apart < tolerance(type), () -> row + " differs by " + apart);
                    } else {
                        assertArrayEquals(more[s], fewer[s], row);
                    }
                }
            }
        }
    }

    /** What adapters leave alone is chained for a few rows, but not for a single one. */
    @ParameterizedTest
    @CsvSource({"F16, .*attn_[qv].*", "F16, .*", "F16, .*ffn_down.*", "Q4_0, .*attn_[qv].*", "Q4_0, .*", "Q4_0, .*ffn_down.*",
        "Q4_0, .*attn_output.*"})
    void rowsWithAdaptersDoNotDependOnTheirNumber(DType type, String names) {
        Program program = TinyModels.program(TinyModels.config(VOCABULARY, 3, 256, 704, new Op.AttentionShape(4, 2, 64), 256, 0));
        try (ModelRunner runner = OnDevice.shared().load(program, TinyModels.weights(program, type, 7),
                new RunnerOptions(64, SEQUENCES, SEQUENCES, BLOCK, SEQUENCES, 0, DType.F32))) {
            float[] plain = logits(runner, 2)[1];
            runner.addAdapter(1, FakeAdapters.products(program, names, 8));
            float[][] others = logits(runner, SEQUENCES, 1);
            assertTrue(difference(plain, others[1]) > 5 * adaptedTolerance(type), "the adapter changes nothing");
            for (int n : new int[] {1, 2, 3, 5, 8, 9, 16, 17}) {
                float[][] fewer = logits(runner, n, 1);
                for (int s = 0; s < n; s++) {
                    double apart = difference(fewer[s], others[s]);
                    String row = "row " + s + " of " + n;
                    assertTrue(apart < adaptedTolerance(type), () -> row + " differs by " + apart);
                }
            }
        }
    }

    /**
     * From 17 rows on, as all are compared with, rows that meet weights of f16 are rounded to 11 bits, in each product anew; fewer rows have 22 bits,
     * or are floats. Of blocks adapters make more of what lies between two bytes.
     */
    private static double adaptedTolerance(DType type) {
        return type == DType.F16 ? 3e-3 : 2 * tolerance(type);
    }

    /** Of blocks a value that lies between two bytes goes either way. */
    private static double tolerance(DType type) {
        return switch (type) {
            case F16 -> 2e-5;
            case BF16 -> 2e-4;
            default -> 2e-2;
        };
    }

    /** The last step's logits of so many sequences, which had a token in each of some steps. */
    private static float[][] logits(ModelRunner runner, int sequences) {
        return logits(runner, sequences, 0);
    }

    private static float[][] logits(ModelRunner runner, int sequences, int adapter) {
        for (int step = 0; step < STEPS; step++) {
            StepBatch b = batch(sequences, step);
            Arrays.fill(b.adapter, 0, sequences, adapter);
            runner.forward(b);
        }
        var logits = new float[sequences][VOCABULARY];
        for (int s = 0; s < sequences; s++) {
            for (int v = 0; v < VOCABULARY; v++) {
                logits[s][v] = runner.logits().getAtIndex(ValueLayout.JAVA_FLOAT, (long) s * VOCABULARY + v);
            }
        }
        return logits;
    }

    private static StepBatch batch(int n, int step) {
        var b = new StepBatch(n, n, n, 1);
        var random = new Random(step);
        for (int s = 0; s < n; s++) {
            b.tokenIds[s] = random.nextInt(VOCABULARY);
            b.positions[s] = step;
            b.kvSlots[s] = s * BLOCK + step;
            b.queryStart[s + 1] = s + 1;
            b.contextLength[s] = step + 1;
            b.logitRow[s] = s;
            b.sequenceSlot[s] = s;
            b.blockTable[s] = s;
        }
        b.tokens = n;
        b.sequences = n;
        b.logitRows = n;
        return b;
    }

    private static double difference(float[] a, float[] b) {
        double most = 0;
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
            largest = Math.max(largest, Math.abs(b[i]));
        }
        assertTrue(largest > 0, () -> "all logits are 0: " + Arrays.toString(b));
        return most / largest;
    }
}
