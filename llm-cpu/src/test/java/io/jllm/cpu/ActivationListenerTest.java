package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.convert.ImportanceMatrix;
import io.jllm.convert.ImportanceMeter;
import io.jllm.load.ModelFiles;
import io.jllm.model.GoldenModel;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.quant.Weights;
import io.jllm.spi.ActivationListener;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.BackendProvider.BackendOptions;
import io.jllm.spi.ReferenceBackend;
import io.jllm.spi.TinyModels;
import io.jllm.tokenizer.PieceFile;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What listeners hear of, and the importances that are made of it. */
class ActivationListenerTest {
    private static final int TOKENS = 7;
    private static final RunnerOptions OPTIONS = new RunnerOptions(16, 1, 16, 8, 4, 0, DType.F32);

    @TempDir
    private Path dir;

    private static Backend cpu(String kernels) {
        return new CpuBackendProvider().open(new BackendOptions(2, kernels, 0));
    }

    private static float[] logits(Program program, ActivationListener listener, String kernels) {
        try (Backend backend = cpu(kernels); var runner = backend.load(program, TinyModels.weights(program, 3), OPTIONS, listener)) {
            runner.forward(TinyModels.single(List.of(3, 1, 4, 1, 5, 9, 2), 0, 8, TOKENS));
            return runner.logits().asSlice(0, (long) TOKENS * program.vocab() * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void allRowsOfAllMatrices() {
        Program program = TinyModels.mixture(40, 64, 96, 2);
        Map<String, int[]> rows = new TreeMap<>();
        Map<String, Integer> widths = new TreeMap<>();
        ActivationListener count = (matrices, expert, data, at, width) -> matrices.forEach(name -> {
            rows.computeIfAbsent(name, _ -> new int[6])[expert]++;
            widths.put(name, width);
            for (int i = 0; i < width; i++) {
                assertTrue(Float.isFinite(data.get(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES)));
            }
        });
        for (String kernels : List.of("scalar", "auto")) {
            rows.clear();
            assertArrayEquals(logits(program, ActivationListener.NONE, kernels), logits(program, count, kernels), "nothing else changes");
            assertEquals(2 * 12 + 1, rows.size(), rows.keySet().toString());
            rows.forEach((name, n) -> {
                boolean experts = name.endsWith("gates") || name.endsWith("ups") || name.endsWith("downs");
                assertEquals(experts ? 3 * TOKENS : TOKENS, Arrays.stream(n).sum(), name);
                assertEquals(experts, Arrays.stream(n, 1, 6).sum() > 0, name);
            });
            assertArrayEquals(rows.get("0.gates"), rows.get("0.downs"));
            assertEquals(64, widths.get("1.gates"));
            assertEquals(96, widths.get("1.downs"));
        }
    }

    @Test
    void othersRefuse() {
        Program program = TinyModels.mixture(40, 64, 96, 1);
        var heard = new ArrayList<String>();
        var e = assertThrows(IllegalArgumentException.class, () -> new ReferenceBackend().load(program, TinyModels.weights(program, 1), OPTIONS,
                (matrices, expert, data, at, width) -> heard.addAll(matrices)));
        assertTrue(e.getMessage().contains("does not tell what matrices are multiplied with: use the cpu backend"), e.getMessage());
    }

    private static float[] row(Weights weights, int row) {
        var values = new float[(int) weights.cols()];
        weights.decode(row, 1, values, 0);
        return values;
    }

    /** Of the first layer they are worked out by hand: its matrices meet normed embeddings. */
    @Test
    void importancesOfAText() throws IOException {
        Path folder = GoldenModel.unpack("llama-tied", "config.json", dir);
        Files.write(folder.resolve("tokenizer.model"), PieceFile.of("\u2581", "t", "h", "e", "w", "i", "n", "d", "a", "s", "u", ",", "th", "nd")
                .toBytes());
        String text = "the wind and the sun, ".repeat(30);
        Path out = dir.resolve("imatrix.gguf");
        var options = new ImportanceMeter.Options(20, 3, false, "some text");
        try (Backend backend = cpu("scalar")) {
            var told = new ArrayList<String>();
            ImportanceMeter.measure(folder, text, backend, out, options, (done, total) -> told.add(done + "/" + total));
            assertEquals(List.of("1/3", "2/3", "3/3"), told);
            var tooShort = assertThrows(IllegalArgumentException.class,
                    () -> ImportanceMeter.measure(folder, "a", backend, out, options, ImportanceMeter.Progress.NONE));
            assertTrue(tooShort.getMessage().contains("need a text of at least 40"), tooShort.getMessage());
        }
        ImportanceMatrix matrix = ImportanceMatrix.read(out);
        assertEquals(List.of("some text"), matrix.datasets());
        assertEquals(3, matrix.chunks());
        try (var model = ModelFiles.open(folder)) {
            var names = model.weights().names().stream().filter(n -> n.startsWith("blk.") && !n.contains("norm")).sorted().toList();
            assertEquals(names, matrix.names().stream().sorted().toList());
            var tokenizer = model.tokenizer().orElseThrow();
            int[] ids = tokenizer.encode(text, true, false);
            float[] norm = row(model.weights().get("blk.0.attn_norm.weight"), 0);
            var want = new double[norm.length];
            for (int t = 0; t < 60; t++) {
                int id = t % 20 == 0 && tokenizer.addsBos() ? tokenizer.bos().getAsInt() : ids[t];
                float[] x = row(model.weights().get("token_embd.weight"), id);
                double squares = 0;
                for (float v : x) {
                    squares += (double) v * v;
                }
                double scale = 1 / Math.sqrt(squares / x.length + model.config().normEps());
                for (int i = 0; i < x.length; i++) {
                    want[i] += Math.pow(x[i] * scale * norm[i], 2) / 60;
                }
            }
            float[] got = matrix.of("blk.0.attn_q.weight").orElseThrow();
            for (int i = 0; i < want.length; i++) {
                assertEquals(want[i], got[i], 1e-5 * want[i] + 1e-9, "column " + i);
            }
            assertArrayEquals(got, matrix.of("blk.0.attn_v.weight").orElseThrow());
            matrix.names().forEach(n -> assertEquals(model.weights().get(n).cols(), matrix.of(n).orElseThrow().length, n));
        }
    }
}
