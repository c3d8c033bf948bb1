package io.jllm.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.convert.Converter;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * What every backend has to pass: whole models of each family give the logits of Hugging Face transformers, loaded from its folders
 * and from GGUF files of our converter, however their texts are cut into steps.
 */
public abstract class ProgramContract {
    private static final int THREADS = 2;
    private static final int BLOCK = 16;
    private static final int MOST_TOKENS = 256;

    @TempDir
    public Path folder;

    /** Opens the backend with that many threads; the contract closes it. */
    protected abstract Backend open(int threads);

    /** Largest difference of a logit, as a part of the largest logit of its row. */
    protected double tolerance(DType format) {
        return 1e-5;
    }

    /** Formats of matrices that the backend runs without rounding the values of float16. */
    protected abstract List<DType> exactFormats();

    @ParameterizedTest
    @FieldSource("io.jllm.model.GoldenModel#NAMES")
    final void huggingFaceFolder(String name) throws IOException {
        check(GoldenModel.unpack(name, "config.json", folder), name, tolerance(DType.F32));
    }

    @ParameterizedTest
    @FieldSource("io.jllm.model.GoldenModel#NAMES")
    final void ggufFile(String name) throws IOException {
        Path hf = GoldenModel.unpack(name, "config.json", folder);
        for (DType type : exactFormats()) {
            Path file = folder.resolve(type + ".gguf");
            Converter.convert(hf, file, Converter.Options.of(type), Converter.Progress.NONE);
            check(file, name, tolerance(type));
        }
    }

    /** Checks a model against the golden file of that name. */
    protected final void check(Path model, String name, double tolerance) {
        var cases = GoldenModel.read(name).cases();
        try (var loaded = ModelFiles.open(model); var backend = open(THREADS)) {
            var options = new Backend.RunnerOptions(MOST_TOKENS, cases.size(), 32, BLOCK, 64, 0, DType.F32);
            try (var runner = backend.load(loaded.program(), loaded.weights(), options)) {
                for (var c : cases) {
                    run(runner, List.of(c), c.ids().length, tolerance);
                }
                run(runner, cases, MOST_TOKENS / cases.size(), tolerance);
                run(runner, cases, 5, tolerance);
            }
        }
    }

    /** Runs texts side by side, a piece of each in every step, and compares the logits that a step gives. */
    private static void run(ModelRunner runner, List<GoldenModel.Case> cases, int piece, double tolerance) {
        int longest = cases.stream().mapToInt(c -> c.ids().length).max().orElseThrow();
        var batch = new StepBatch(MOST_TOKENS, cases.size(), 32, (longest + BLOCK - 1) / BLOCK);
        for (int from = 0; from < longest; from += piece) {
            fill(batch, cases, from, piece);
            runner.forward(batch);
            int row = 0;
            for (var c : cases) {
                for (int i = 0; i < c.positions().length; i++) {
                    if (c.positions()[i] >= from && c.positions()[i] < from + piece) {
                        compare(runner, row++, c.logits()[i], tolerance, "position " + c.positions()[i] + " of " + c.ids().length + " tokens, "
                                + cases.size() + " texts in pieces of " + piece);
                    }
                }
            }
        }
    }

    private static void fill(StepBatch b, List<GoldenModel.Case> cases, int from, int piece) {
        b.clear();
        for (int text = 0; text < cases.size(); text++) {
            var c = cases.get(text);
            int to = Math.min(from + piece, c.ids().length);
            if (from >= to) {
                continue;
            }
            int s = b.sequences++;
            b.queryStart[s] = b.tokens;
            b.contextLength[s] = to;
            b.sequenceSlot[s] = text;
            for (int i = 0; i < b.maxBlocks; i++) {
                b.blockTable[s * b.maxBlocks + i] = block(b, cases.size(), text, i);
            }
            int wanted = 0;
            for (int position = from; position < to; position++) {
                int t = b.tokens++;
                b.tokenIds[t] = c.ids()[position];
                b.positions[t] = position;
                b.kvSlots[t] = block(b, cases.size(), text, position / BLOCK) * BLOCK + position % BLOCK;
                while (c.positions()[wanted] < position) {
                    wanted++;
                }
                if (c.positions()[wanted] == position) {
                    b.logitRow[b.logitRows++] = t;
                }
            }
            b.queryStart[b.sequences] = b.tokens;
        }
    }

    /** Blocks of a text are neither neighbours nor in order. */
    private static int block(StepBatch b, int texts, int text, int index) {
        return (b.maxBlocks - 1 - index) * texts + text;
    }

    private static void compare(ModelRunner runner, int row, float[] want, double tolerance, String what) {
        double largest = 0;
        double difference = 0;
        for (int id = 0; id < want.length; id++) {
            float got = runner.logits().getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * want.length + id);
            largest = Math.max(largest, Math.abs(want[id]));
            difference = Math.max(difference, Math.abs(got - want[id])); // NaN stays NaN
        }
        double relative = difference / largest;
        assertTrue(relative <= tolerance, () -> "logits at " + what + " differ by " + relative + " of the largest");
    }
}
