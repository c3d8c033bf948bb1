package io.jllm.spi;

import io.jllm.model.ModelConfig;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Scores;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Each op against the oracle, on odd shapes, tails and block edges, in every format. */
public abstract class OpContract {
    /** Tokens of the batches for ops on rows: single ones, register tiles and what is left over. */
    static final List<int[]> ROW_STEPS = IntStream.of(1, 2, 3, 4, 5, 8, 41).mapToObj(n -> new int[] {n}).toList();
    /** Prefill, chunks beside single tokens, single tokens only. */
    static final List<int[]> MIXED_STEPS = List.of(new int[] {7, 0, 1}, new int[] {1, 30, 1}, new int[] {1, 1, 40},
            new int[] {1, 1, 1}, new int[] {5, 4, 3});

    /** Products of a model of two layers, from the first one to the logits. */
    static final int MODEL = 9;
    static final float EPS = 1e-5f;

    /** The backend in the way that is tested, with that many threads. */
    protected abstract Backend open(int threads);

    /** Largest difference from the oracle in one op, relative to the largest number of a row. */
    protected double tolerance() {
        return 2e-6;
    }

    /** Formats of weights that the backend multiplies by. */
    protected List<DType> formats() {
        return Oracle.FORMATS;
    }

    /** How keys and values can be stored. */
    protected List<DType> kvTypes() {
        return List.of(DType.F32, DType.F16, DType.Q8_0);
    }

    /**
     * More tolerance where keys and values are rounded: one that lies between two numbers goes either way when what it was computed
     * from differs in its last bit. A half has 11 bits, a bfloat16 8, a float of 8 bits 4, and some of the numbers change; a byte
     * differs by up to a 127th of the largest of its block.
     */
    final double either(DType kvType, int dim) {
        return roundedToPages(kvType) + switch (kvType) {
            case F16 -> 0x1p-10;
            case BF16 -> 0x1p-7;
            case F8_E4M3 -> 0x1p-3;
            case Q8_0 -> 4.0 / 127 / Math.sqrt(dim);
            default -> 0;
        };
    }

    /** More tolerance where queries, and the weights of values, are rounded to the type of keys and values too. */
    protected double roundedToPages(DType kvType) {
        return 0;
    }

    /** Whether activations have 8 bits where they meet weights of that format. */
    protected boolean quantises(DType type) {
        return false;
    }

    /**
     * More tolerance where activations of 8 bits are computed from others, and not read from a table. One that lies between
     * two bytes goes either way when what it was computed from differs in its last bit; that changes one product of a sum
     * of n by at most 2 to the 127th part of the largest one, or 2 / 127 / sqrt(n) of the sum; here n is 32 at least. In a model
     * all that follows differs then, in every product by up to as much again.
     */
    final double either(DType type) {
        return (quantises(type) ? 2.0 / 127 / Math.sqrt(32) : 0) + rounded(type);
    }

    /** More tolerance where what meets weights of that type is rounded to 16 bits first, or they are. */
    protected double rounded(DType type) {
        return 0;
    }

    /** More tolerance where weights of that type are rounded to others for products. */
    protected double approximated(DType type) {
        return 0;
    }

    @Test
    void embedReadsRowsOfEveryFormat() {
        for (DType type : formats()) {
            for (int width : widths(type)) {
                var p = new Program.Builder();
                rows(p.build(p.selectRows(p.embed("table", width, width))), type);
            }
        }
    }

    @Test
    void rmsNorm() {
        for (int width : new int[] {1, 3, 4, 5, 15, 16, 17, 31, 33, 64, 100, 257}) {
            var p = new Program.Builder();
            rows(p.build(p.rmsNorm(p.selectRows(p.rmsNorm(p.embed("table", width, width), "norm.a", EPS)), "norm.b", EPS)), DType.F32);
        }
    }

    @Test
    void linearInEveryFormat() {
        for (DType type : formats()) {
            for (int cols : widths(type)) {
                for (int rows : new int[] {1, 3, 4, 5, 17, 66}) {
                    var p = new Program.Builder();
                    rows(p.build(p.linear(p.selectRows(p.embed("table", rows, cols)), weight("w", rows))), type);
                }
            }
        }
    }

    @Test
    void linearSideBySideWithBiasesAndOfDifferentFormats() {
        int cols = 256;
        int[] rows = {5, 64, 1, 30, 19, 7, 33, 40, 12, 18, 2, 31, 16};
        var p = new Program.Builder();
        var parts = new Weight[rows.length];
        for (int i = 0; i < rows.length; i++) {
            parts[i] = new Weight("w" + i, rows[i], i % 3 == 0 ? Optional.empty() : Optional.of("b" + i));
        }
        Program program = p.build(p.selectRows(p.linear(p.embed("table", Arrays.stream(rows).sum(), cols), parts)));
        var tensors = new LinkedHashMap<>(TinyModels.weights(program, 5).tensors());
        for (int i = 0; i < rows.length; i++) {
            tensors.put("w" + i, Oracle.random("w" + i, formats().get(i % formats().size()), rows[i], cols, i));
        }
        run(program, new TinyModels.MemoryWeights(tensors), 16, ROW_STEPS, 2 * tolerance() + rounded(DType.F16));
    }

    @Test
    void linearAddsAResidualInPlaceAndElsewhere() {
        for (int width : new int[] {32, 96, 160}) {
            var p = new Program.Builder();
            Value x = p.embed("table", width, width);
            Value h = p.rmsNorm(x, "norm", EPS);
            Value a = p.linearAdd(x, h, weight("a", width));
            Value b = p.linearAdd(x, a, new Weight("b", width, Optional.of("b.bias")));
            Value c = p.linearAdd(b, b, weight("c", width));
            Program program = p.build(p.linearAdd(p.selectRows(c), p.selectRows(a), weight("d", width)));
            run(program, Oracle.weights(program, DType.Q4_0), 16, ROW_STEPS, 2 * tolerance() + either(DType.Q4_0) + 3 * rounded(DType.Q4_0));
        }
    }

    @Test
    void gatedActivationsOfSmallAndLargeNumbers() {
        for (Op.Activation kind : Op.Activation.values()) {
            for (int width : new int[] {1, 7, 16, 33, 100}) {
                for (float size : new float[] {1e-3f, 1, 5, 300}) {
                    var p = new Program.Builder();
                    Program program = p.build(p.gated(p.selectRows(p.embed("table", width, 2 * width)), kind));
                    var values = new float[2 * width * width];
                    var random = new Random(width);
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) random.nextGaussian() * size;
                    }
                    var table = TinyModels.tensor("table", DType.F32, width, 2 * width, values);
                    run(program, new TinyModels.MemoryWeights(Map.of("table", table)), 16, ROW_STEPS.subList(0, 2), 2 * tolerance());
                }
            }
        }
    }

    @Test
    void gatedActivationOfManyColumns() {
        int width = 4099;
        var p = new Program.Builder();
        Value wide = p.linear(p.embed("table", width, 2), weight("gate", width), weight("up", width));
        rows(p.build(p.gated(p.selectRows(wide), Op.Activation.SILU)), DType.F32);
    }

    @Test
    void ropeOfBothLayoutsWholeAndPartialWithAndWithoutNorms() {
        for (Rope.Layout layout : Rope.Layout.values()) {
            for (int[] dims : new int[][] {{2, 2}, {6, 6}, {16, 16}, {20, 12}, {64, 64}, {80, 32}}) {
                for (boolean norm : new boolean[] {false, true}) {
                    var shape = new Op.AttentionShape(4, 2, dims[0]);
                    paged(shape, TinyModels.rope(dims[1], layout, norm ? 1.25f : 1), norm, 0, 0, 7);
                }
            }
        }
    }

    @Test
    void attentionOfEveryGroupingWindowAndSoftCapOnManyBlockSizes() {
        int[][] shapes = {{1, 1, 4}, {4, 4, 16}, {6, 3, 20}, {8, 2, 33}, {4, 1, 64}, {5, 1, 80}, {9, 3, 128}};
        int[] blockSizes = {1, 2, 3, 7, 16, 17, 64};
        for (int i = 0; i < shapes.length; i++) {
            var shape = new Op.AttentionShape(shapes[i][0], shapes[i][1], shapes[i][2]);
            Rope rope = TinyModels.rope(shape.headDim() / 2 * 2, Rope.Layout.NEOX, 1);
            paged(shape, rope, false, 0, 0, blockSizes[blockSizes.length - 1 - i]);
            paged(shape, rope, false, 1, 0, blockSizes[i]);
            paged(shape, rope, false, 9, 0.5f, blockSizes[i]);
        }
    }

    @Test
    void attentionOverManyPositions() {
        List<int[]> steps = List.of(new int[] {150, 3}, new int[] {100, 60}, new int[] {1, 1}, new int[] {8, 150}, new int[] {20, 140},
                new int[] {1, 1}, new int[] {150, 9}, new int[] {140, 1}, new int[] {1, 1});
        for (int[] shape : new int[][] {{1, 1, 4}, {6, 2, 16}}) {
            var heads = new Op.AttentionShape(shape[0], shape[1], shape[2]);
            Rope rope = TinyModels.rope(heads.headDim(), Rope.Layout.NEOX, 1);
            for (int window : new int[] {0, 270}) {
                attention(heads, rope, window, 0, 16, DType.F32, steps, 5 * tolerance());
            }
        }
    }

    @Test
    void attentionOverKeysAndValuesOfEveryType() {
        int[][] shapes = {{4, 4, 16}, {6, 3, 20}, {8, 2, 33}, {4, 1, 64}, {5, 1, 80}, {9, 3, 128}};
        int[] blockSizes = {16, 1, 3, 16, 17, 64};
        for (DType type : kvTypes()) {
            for (int i = 0; i < shapes.length; i++) {
                var shape = new Op.AttentionShape(shapes[i][0], shapes[i][1], shapes[i][2]);
                Rope rope = TinyModels.rope(shape.headDim() / 2 * 2, Rope.Layout.INTERLEAVED, 1);
                attention(shape, rope, 0, 0, blockSizes[i], type, MIXED_STEPS, 5 * tolerance() + either(type, shape.headDim()));
            }
        }
    }

    @Test
    void wholeModelsInEveryFormat() {
        ModelConfig c = TinyModels.config(100, 2, 256, 256, new Op.AttentionShape(4, 2, 64), 256, 20);
        Program program = TinyModels.program(c.with(false, new ModelConfig.Biases(true, true, true)));
        for (DType type : formats()) {
            run(program, Oracle.weights(program, type), 5, List.of(new int[] {9, 0, 1}, new int[] {1, 22, 1}, new int[] {1, 1, 1}),
                    10 * tolerance() + MODEL * either(type));
        }
    }

    /** One sequence alone, of models too wide for what narrow ones are computed with; the widest needs several turns for a row. */
    @Test
    void wideModelsAloneInEveryFormat() {
        for (DType type : formats()) {
            wideAlone(2304, type);
        }
        for (DType type : List.of(DType.F16, DType.Q4_0, DType.Q6_K)) {
            wideAlone(4352, type);
        }
    }

    private void wideAlone(int hidden, DType type) {
        Program program = TinyModels.program(TinyModels.config(40, 1, hidden, 32, new Op.AttentionShape(1, 1, 64), 256, 0));
        run(program, Oracle.weights(program, type), 5, List.of(new int[] {3}, new int[] {1}, new int[] {1}),
                10 * tolerance() + MODEL * either(type));
    }

    /** Each layer with its own heads, window and rotation; two rotations are equal and not the same object; layer 1 keeps nothing. */
    @Test
    void layersOfOneModelMayDiffer() {
        var wide = new Op.AttentionShape(4, 2, 16);
        var narrow = new Op.AttentionShape(3, 1, 20);
        var shapes = List.of(wide, narrow, wide);
        var ropes = List.of(TinyModels.rope(16, Rope.Layout.NEOX, 1), TinyModels.rope(12, Rope.Layout.INTERLEAVED, 1.25f),
                TinyModels.rope(16, Rope.Layout.NEOX, 1));
        int[] layers = {0, 3, 2};
        int[] windows = {0, 5, 9};
        var p = new Program.Builder();
        Value x = p.embed("table", 48, 48);
        for (int i = 0; i < layers.length; i++) {
            Op.AttentionShape s = shapes.get(i);
            Value qkv = p.linear(p.rmsNorm(x, "norm" + i, EPS), weight("q" + i, s.qDim()), weight("k" + i, s.kvDim()), weight("v" + i, s.kvDim()));
            Value q = p.ropeStoreKv(qkv, layers[i], s, ropes.get(i), Optional.empty());
            x = p.linearAdd(x, p.attention(q, layers[i], s, windows[i]), weight("o" + i, 48));
        }
        Program program = p.build(p.linear(p.selectRows(x), weight("out", 48)));
        run(program, large(program), 7, MIXED_STEPS, 10 * tolerance());
    }

    private void paged(Op.AttentionShape shape, Rope rope, boolean norm, int window, float softCap, int blockSize) {
        var p = new Program.Builder();
        Program rotated = p.build(p.selectRows(queries(p, shape, rope, norm)));
        run(rotated, large(rotated), blockSize, MIXED_STEPS, 2 * tolerance());
        attention(shape, rope, window, softCap, blockSize, DType.F32, MIXED_STEPS, 5 * tolerance());
    }

    private void attention(Op.AttentionShape shape, Rope rope, int window, float softCap, int blockSize, DType kvType, List<int[]> steps,
                           double tolerance) {
        var p = new Program.Builder();
        float scale = (float) (1 / Math.sqrt(shape.headDim()));
        var scores = Scores.scaled(scale).window(window).softCap(softCap);
        Program capped = p.build(p.selectRows(p.attention(queries(p, shape, rope, false), 0, shape, scores)));
        try (Backend backend = open(2)) {
            Oracle.compare(backend, capped, large(capped), blockSize, kvType, steps, tolerance, this::quantises);
        }
    }

    private static Value queries(Program.Builder p, Op.AttentionShape shape, Rope rope, boolean norm) {
        Value qkv = p.linear(p.embed("table", shape.qDim(), 48), weight("q", shape.qDim()), weight("k", shape.kvDim()), weight("v", shape.kvDim()));
        return p.ropeStoreKv(qkv, 0, shape, rope, norm ? Optional.of(new Op.QkNorm("q.norm", "k.norm", 1e-5f)) : Optional.empty());
    }

    /** Weights that make scores of some size, so that attention is not nearly uniform. */
    static TinyModels.MemoryWeights large(Program program) {
        var tensors = new LinkedHashMap<>(TinyModels.weights(program, 11).tensors());
        var table = tensors.get("table");
        float[] values = ReferenceRunner.floats(table);
        for (int i = 0; i < values.length; i++) {
            values[i] *= (float) Math.sqrt(table.cols()) * 1.5f;
        }
        tensors.put("table", TinyModels.tensor("table", DType.F32, table.rows(), table.cols(), values));
        return new TinyModels.MemoryWeights(tensors);
    }

    final void rows(Program program, DType type) {
        run(program, Oracle.weights(program, type), 16, ROW_STEPS, 2 * tolerance() + rounded(type));
    }

    final void run(Program program, WeightSource weights, int blockSize, List<int[]> steps, double tolerance) {
        try (Backend backend = open(2)) {
            Oracle.compare(backend, program, weights, blockSize, DType.F32, steps, tolerance, this::quantises);
        }
    }

    static Weight weight(String name, int rows) {
        return new Weight(name, rows, Optional.empty());
    }

    static int[] widths(DType type) {
        return switch (type.blockElements()) {
            case 1 -> new int[] {1, 3, 7, 16, 31, 33, 64, 100, 130};
            case 32 -> new int[] {32, 64, 96, 160, 320};
            default -> new int[] {type.blockElements(), 3 * type.blockElements()};
        };
    }
}
