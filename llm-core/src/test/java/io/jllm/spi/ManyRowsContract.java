package io.jllm.spi;

import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Products of more tokens in a step than kernels for few take, against the oracle: around sizes of tiles, with odd columns and outputs. */
public abstract class ManyRowsContract extends LatentOpContract {
    private static final List<int[]> MANY_STEPS = IntStream.of(65, 127, 128, 129, 160).mapToObj(n -> new int[] {n}).toList();

    /** More tolerance where steps of many tokens meet weights of that format in fewer bits. */
    protected double manyTolerance(DType type) {
        return 0;
    }

    /** Whether activations of such steps have 8 bits where they meet weights of that format. */
    protected boolean quantisesMany(DType type) {
        return quantises(type);
    }

    /** The same where products are of rows that want logits. */
    protected boolean quantisesManyLogits(DType type) {
        return quantisesMany(type);
    }

    private void many(Program program, DType type, double products) {
        many(program, type, products, this::quantisesMany);
    }

    private void many(Program program, DType type, double products, Predicate<DType> quantises) {
        many(program, Oracle.weights(program, type), type, MANY_STEPS, products, quantises);
    }

    private void many(Program program, WeightSource weights, DType type, List<int[]> steps, double products, Predicate<DType> quantises) {
        try (Backend backend = open(2)) {
            double rounded = quantises.test(type) ? products * either(type) : 0;
            Oracle.compare(backend, program, weights, 16, DType.F32, steps,
                    2 * products * (tolerance() + manyTolerance(type)) + rounded, quantises);
        }
    }

    @Test
    void manyTokensMeetMatricesOfEveryFormat() {
        for (DType type : formats()) {
            int[] widths = widths(type);
            for (int cols : new int[] {widths[0], widths[widths.length / 2]}) {
                for (int rows : new int[] {1, 66, 131}) {
                    var p = new Program.Builder();
                    many(p.build(p.selectRows(p.linear(p.embed("table", rows, cols), weight("w", rows)))), type, 1);
                }
            }
        }
    }

    /** More than kernels take that read weights of a format as they are. */
    @Test
    void hundredsOfTokensMeetMatricesOfEveryFormat() {
        for (DType type : formats()) {
            var p = new Program.Builder();
            Program program = p.build(p.selectRows(p.linear(p.embed("table", 66, widths(type)[0]), weight("w", 66))));
            many(program, Oracle.weights(program, type), type, List.of(new int[] {300}, new int[] {513}), 1, this::quantisesMany);
        }
    }

    @Test
    void manyRowsOfLogitsDoToo() {
        for (DType type : formats()) {
            int cols = widths(type)[1];
            var p = new Program.Builder();
            many(p.build(p.linear(p.selectRows(p.embed("table", 200, cols)), weight("w", 200))), type, 1, this::quantisesManyLogits);
        }
    }

    /** Tensors side by side, one with a bias, begin at odd columns; the residual is the input. */
    @Test
    void manyTokensWithBiasesAndResiduals() {
        for (DType type : formats()) {
            int cols = 256;
            var p = new Program.Builder();
            Value x = p.embed("table", 300, cols);
            Value y = p.linearAdd(x, x, new Weight("a", cols, Optional.of("a.bias")));
            Value z = p.linear(y, new Weight("b", 33, Optional.of("b.bias")), weight("c", 100), weight("d", 167));
            many(p.build(p.selectRows(z)), type, 2);
        }
    }

    /** Of 65 tokens experts have few each, of 130 many. */
    @Test
    void manyTokensMeetExpertsOfEveryFormat() {
        for (DType type : formats()) {
            Program program = mixture(type, type.ordinal() % 2 > 0);
            many(program, weights(program, type), type, List.of(new int[] {65}), 5, this::quantises);
            many(program, weights(program, type), type, List.of(new int[] {130}), 5, this::quantisesMany);
        }
    }

    @Test
    void manyTokensWithGatedActivations() {
        for (DType type : formats()) {
            for (Op.Activation kind : Op.Activation.values()) {
                int width = 97;
                var p = new Program.Builder();
                Value x = p.linear(p.embed("table", width, 256), weight("gate", width), weight("up", width));
                many(p.build(p.selectRows(p.gated(x, kind))), type, 3);
            }
        }
    }

    /** Two layers of prompts, alone and beside sequences with one token, whose values need not be floats between products. */
    @Test
    void promptsOfWholeLayers() {
        List<DType> pages = kvTypes().stream().filter(t -> !t.isQuantized() && t != DType.F8_E4M3).toList();
        for (int[] heads : new int[][] {{3, 1, 64}, {2, 2, 128}, {4, 2, 32}}) {
            var shape = new Op.AttentionShape(heads[0], heads[1], heads[2]);
            for (DType type : List.of(DType.F16, DType.BF16, DType.Q4_0)) {
                Program program = layers(shape, 160, 224, heads[0] % 2 == 0, type != DType.BF16);
                DType kvType = pages.get((heads[0] + type.ordinal()) % pages.size());
                try (Backend backend = open(2)) {
                    List<int[]> steps = List.of(new int[] {0, 260, 3}, new int[] {300, 1, 0}, new int[] {270, 260, 1});
                    Oracle.compare(backend, program, Oracle.weights(program, type), 16, kvType, steps, 16 * (tolerance() + manyTolerance(type))
                            + 2 * either(kvType, shape.headDim()) + (quantisesMany(type) ? 8 * either(type) : 0), this::quantisesMany);
                }
            }
        }
    }

    /** Two layers of many sequences with one token each, of widths that kernels take as they are; some more tokens come first. */
    @Test
    void manySequencesOfWholeLayers() {
        DType kvType = kvTypes().contains(DType.F16) ? DType.F16 : DType.F32;
        for (int[] heads : new int[][] {{4, 1, 64}, {2, 2, 128}}) {
            var shape = new Op.AttentionShape(heads[0], heads[1], heads[2]);
            for (DType type : List.of(DType.F16, DType.BF16, DType.Q4_0, DType.Q8_0)) {
                Program program = layers(shape, 256, 512, false, false);
                for (int sequences : new int[] {40, 70}) {
                    int[] first = IntStream.range(0, sequences).map(i -> i % 5 == 0 ? 4 : 1).toArray();
                    int[] ones = IntStream.generate(() -> 1).limit(sequences).toArray();
                    try (Backend backend = open(2)) {
                        Oracle.compare(backend, program, Oracle.weights(program, type), 16, kvType, List.of(first, ones, ones),
                                16 * (tolerance() + manyTolerance(type)) + 2 * either(kvType, shape.headDim())
                                + (quantisesMany(type) ? 8 * either(type) : 0), this::quantisesMany);
                    }
                }
            }
        }
    }

    private static Program layers(Op.AttentionShape shape, int width, int inner, boolean norms, boolean biases) {
        var p = new Program.Builder();
        Value x = p.embed("table", width, width);
        for (int i = 0; i < 2; i++) {
            Value qkv = p.linear(p.rmsNorm(x, "norm" + i, EPS), biased("q" + i, shape.qDim(), biases), biased("k" + i, shape.kvDim(), biases),
                    biased("v" + i, shape.kvDim(), biases));
            Rope rope = TinyModels.rope(shape.headDim(), i == 0 ? Rope.Layout.NEOX : Rope.Layout.INTERLEAVED, 1);
            Value q = p.ropeStoreKv(qkv, i, shape, rope, norms ? Optional.of(new Op.QkNorm("qn" + i, "kn" + i, EPS)) : Optional.empty());
            x = p.linearAdd(x, p.attention(q, i, shape, 0), weight("o" + i, width));
            Value y = p.layerNorm(x, Optional.of("w" + i), Optional.of("b" + i), EPS);
            Value z = p.linear(y, weight("gate" + i, inner), weight("up" + i, inner));
            x = p.linearAdd(x, p.gated(z, i == 0 ? Op.Activation.SILU : Op.Activation.GELU_TANH), weight("down" + i, width));
        }
        return p.build(p.selectRows(x));
    }

    private static Weight biased(String name, int rows, boolean bias) {
        return new Weight(name, rows, bias ? Optional.of(name + ".bias") : Optional.empty());
    }
}
