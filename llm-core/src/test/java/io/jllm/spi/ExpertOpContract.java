package io.jllm.spi;

import io.jllm.model.ExpertOp.Groups;
import io.jllm.model.ExpertOp.Scoring;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Mixtures of experts, against the oracle. */
public abstract class ExpertOpContract extends HeadOpContract {
    private static final int EXPERTS = 6;
    private static final int TOP_K = 3;

    @Test
    void routesOfEveryScoring() {
        for (Scoring scoring : List.of(new Scoring.Softmax(), new Scoring.Sigmoid())) {
            for (int[] sizes : new int[][] {{1, 1}, {4, 2}, {7, 7}, {32, 4}, {60, 5}, {256, 8}}) {
                for (int i = 0; i < 8; i++) {
                    Optional<String> bias = i % 2 == 0 ? Optional.empty() : Optional.of("choice");
                    Optional<Groups> groups = i < 4 || sizes[0] % 4 > 0 || sizes[0] / 4 * 2 < sizes[1] ? Optional.empty()
                            : Optional.of(new Groups(4, 2, Math.min(2, sizes[0] / 4)));
                    route(scoring, sizes[0], sizes[1], bias, groups, i / 2 % 2 == 0, i % 3 == 0 ? 1 : 2.5f);
                }
            }
        }
        for (float jitter : new float[] {0.01f, 0.3f}) {
            route(new Scoring.SparseMixer(jitter), 16, 2, Optional.empty(), Optional.empty(), false, 1);
        }
    }

    private void route(Scoring scoring, int experts, int topK, Optional<String> bias, Optional<Groups> groups, boolean normalised, float scale) {
        var p = new Program.Builder();
        Value logits = p.selectRows(p.embed("table", 40, experts));
        Program program = p.build(p.route(logits, topK, scoring, bias, groups, normalised, scale));
        run(program, numbers(program, 2, experts), 16, ROW_STEPS, 2 * tolerance());
    }

    @Test
    void ofEqualScoresTheLowerNumberIsChosen() {
        var p = new Program.Builder();
        Program program = p.build(p.route(p.selectRows(p.embed("table", 8, 12)), 4, new Scoring.Softmax(), Optional.empty(), Optional.empty(), true, 1));
        var values = new float[8 * 12];
        for (int i = 0; i < values.length; i++) {
            values[i] = i / 12 % 3 == 0 ? 1 : i % 12 / 3 % 2;
        }
        var table = TinyModels.tensor("table", DType.F32, 8, 12, values);
        run(program, new TinyModels.MemoryWeights(java.util.Map.of("table", table)), 16, ROW_STEPS, 2 * tolerance());
    }

    @Test
    void productsByExpertsInEveryFormat() {
        for (DType type : formats()) {
            int cols = type.blockElements() == 1 ? 33 : type.blockElements() == 32 ? 96 : type.blockElements();
            for (int rows : new int[] {3, 16, 50}) {
                var p = new Program.Builder();
                Value x = p.embed("table", 40, cols);
                Value out = p.expertLinear(x, route(p, x), EXPERTS, rows > 3, new Weight("a", rows, Optional.empty()),
                        new Weight("b", 16, Optional.of("b.bias")));
                Program program = p.build(p.selectRows(out));
                run(program, weights(program, type), 16, ROW_STEPS, 3 * tolerance() + approximated(type));
            }
        }
    }

    @Test
    void sumsOverExpertsInEveryFormat() {
        for (DType type : formats()) {
            int cols = type.blockElements() == 1 ? 31 : type.blockElements();
            int[] rows = {3, 16, 50, 300};
            for (int i = 0; i < rows.length; i++) {
                var p = new Program.Builder();
                Value x = p.embed("table", 40, TOP_K * cols);
                Value residual = p.linear(x, new Weight("residual", rows[i], Optional.empty()));
                Weight w = new Weight("w", rows[i], i < 2 ? Optional.empty() : Optional.of("w.bias"));
                Value sum = p.expertSum(x, route(p, x), EXPERTS, i % 3 > 0, w, i % 2 == 0 ? Optional.empty() : Optional.of(residual));
                Program program = p.build(p.selectRows(sum));
                run(program, weights(program, type), 16, ROW_STEPS, 4 * tolerance() + rounded(type));
            }
        }
    }

    @Test
    void wholeMixturesOfEveryFormat() {
        Program program = TinyModels.mixture(40, 256, 256, 2);
        for (DType type : formats()) {
            // Random blocks make large numbers, and scores that are large beside their differences.
            run(program, weights(program, type), 5, List.of(new int[] {9, 0, 1}, new int[] {1, 22, 1}, new int[] {1, 1, 1}),
                    60 * tolerance() + 16 * either(type));
        }
    }

    /** As they are in models, with and without biases, of every activation; rows share experts, and some experts have none. */
    @Test
    void mixturesOfSomeRows() {
        List<int[]> steps = IntStream.of(1, 2, 9, 41).mapToObj(n -> new int[] {n}).toList();
        for (DType type : formats()) {
            Program program = mixture(type, type.ordinal() % 2 == 0);
            run(program, weights(program, type), 16, steps, 6 * tolerance() + 5 * either(type));
        }
    }

    /** As in models: a norm, the choice, the mixture, and behind it a norm and a product; by sequences with a token each. */
    @Test
    void mixturesBetweenNorms() {
        List<int[]> steps = IntStream.of(41, 33, 17, 16, 9, 8, 3, 2, 1)
                .mapToObj(n -> IntStream.range(0, 41).map(s -> s < n ? 1 : 0).toArray()).toList();
        for (DType type : List.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_K)) {
            int width = type.blockElements() > 32 ? 256 : 160;
            for (boolean others : new boolean[] {false, true}) {
                var p = new Program.Builder();
                Value x = p.embed("table", 100, width);
                Value h = p.rmsNorm(x, "norm", 1e-5f);
                Value route = route(p, h);
                Value inner = p.gated(p.expertLinear(h, route, EXPERTS, false, weight("gate", width), weight("up", width)), Op.Activation.SILU);
                Value y = p.expertSum(inner, route, EXPERTS, true, weight("down", width), Optional.of(x));
                Value normed = p.rmsNorm(y, "behind", 1e-5f);
                Value z = p.linear(normed, weight("a", 60), weight("b", width - 60));
                Program program = p.build(p.selectRows(p.add(others ? normed : y, z, 1)));
                run(program, weights(program, type), 16, steps, 8 * (tolerance() + either(type)));
            }
        }
    }

    /** A mixture whose sizes are no multiples of tiles, beside a product: models are of both, and some backends compile them otherwise. */
    static Program mixture(DType type, boolean biases) {
        int inner = type.blockElements() > 32 ? type.blockElements() : 96;
        Op.Activation[] kinds = Op.Activation.values();
        var p = new Program.Builder();
        Value x = p.embed("table", 100, 256);
        Value route = route(p, x);
        Value gateUp = p.expertLinear(x, route, EXPERTS, false, weight("gate", inner, biases), weight("up", inner, biases));
        Value product = p.linear(x, weight("product", 156));
        Value y = p.expertSum(p.gated(gateUp, kinds[type.ordinal() % kinds.length]), route, EXPERTS, !biases || inner > 96,
                weight("down", 156, biases), biases ? Optional.of(product) : Optional.empty());
        return p.build(p.selectRows(biases ? y : p.add(y, product, 1)));
    }

    /** One after the other, so that what the first leaves behind meets the second. */
    @Test
    void mixturesOfDifferentNumbersOfExperts() {
        for (DType type : List.of(DType.F32, DType.BF16, DType.Q8_0)) {
            var p = new Program.Builder();
            Value x = p.embed("table", 80, 64);
            Value first = route(p, x);
            Value inner = p.gated(p.expertLinear(x, first, EXPERTS, false, weight("a.gate", 32), weight("a.up", 32)), Op.Activation.SILU);
            Value y = p.expertSum(inner, first, EXPERTS, true, weight("a.down", 64), Optional.of(x));
            Value second = p.route(p.linear(x, weight("second.router", 17)), 4, new Scoring.Sigmoid(), Optional.empty(), Optional.empty(), true, 1);
            Value z = p.expertSum(p.gated(p.expertLinear(y, second, 17, false, weight("b.gate", 64), weight("b.up", 64)), Op.Activation.GELU_TANH),
                    second, 17, true, weight("b.down", 64), Optional.of(y));
            Program program = p.build(p.selectRows(z));
            run(program, weights(program, type), 16, ROW_STEPS, 12 * tolerance() + 10 * either(type));
        }
    }

    private static Weight weight(String name, int rows, boolean bias) {
        return new Weight(name, rows, bias ? Optional.of(name + ".bias") : Optional.empty());
    }

    @Test
    void expertsOfOneProductMayDifferInFormat() {
        var p = new Program.Builder();
        Value x = p.embed("table", 40, 256);
        var parts = new ArrayList<Weight>();
        List<DType> formats = formats().stream().filter(t -> approximated(t) == 0).toList();
        for (int i = 0; i < formats.size(); i++) {
            parts.add(new Weight("w" + i, 5 + 7 * i, i % 3 == 0 ? Optional.of("b" + i) : Optional.empty()));
        }
        Program program = p.build(p.selectRows(p.expertLinear(x, route(p, x), EXPERTS, true, parts.toArray(Weight[]::new))));
        var tensors = new LinkedHashMap<>(weights(program, DType.F32).tensors());
        for (int i = 0; i < formats.size(); i++) {
            tensors.put("w" + i, Oracle.random("w" + i, formats.get(i), (long) EXPERTS * parts.get(i).rows(), 256, i));
        }
        run(program, new TinyModels.MemoryWeights(tensors), 16, ROW_STEPS, 3 * tolerance());
    }

    /** As checkpoints hold them: each expert, and some rows of other matrices, somewhere else. */
    @Test
    void weightsThatStandInSeveralPlaces() {
        Program program = TinyModels.mixture(40, 256, 96, 1);
        for (DType type : List.of(DType.F32, DType.BF16, DType.Q4_0, DType.Q8_0, DType.Q5_1, DType.Q4_K)) {
            run(program, new Pieces(weights(program, type)), 5, List.of(new int[] {9, 0, 1}, new int[] {1, 22, 1}, new int[] {1, 1, 1}),
                    10 * tolerance() + 8 * either(type));
        }
    }

    /** All matrices in pieces: those of experts one by one, others by odd numbers of rows. */
    private record Pieces(WeightSource whole) implements WeightSource {
        @Override
        public Set<String> names() {
            return whole.names();
        }

        @Override
        public Optional<Weights> find(String name) {
            return whole.find(name).map(w -> w.rows() < 2 ? w : split(whole.tensor(name)));
        }

        private static Weights split(Tensor t) {
            long step = t.rows() % EXPERTS == 0 ? t.rows() / EXPERTS : 7;
            var parts = new ArrayList<Tensor>();
            for (long r = 0; r < t.rows(); r += step) {
                // A copy: what happens to lie side by side must not be taken for one piece.
                Tensor rows = t.rows(t.name() + "." + r, r, Math.min(t.rows(), r + step));
                parts.add(new Assembled(rows.name(), List.of(rows)).copied());
            }
            return new Assembled(t.name(), parts);
        }

        @Override
        public void close() {
            whole.close();
        }
    }

    /** Of that format, but for what chooses experts, so that rounding does not choose others; and for the table, which it chooses by. */
    static TinyModels.MemoryWeights weights(Program program, DType type) {
        var tensors = new LinkedHashMap<>(Oracle.weights(program, type).tensors());
        tensors.replaceAll((name, t) -> name.endsWith("router") || name.endsWith("bias") || name.equals("table")
                ? Oracle.random(name, DType.F32, t.rows(), t.cols(), name.hashCode()) : t);
        return new TinyModels.MemoryWeights(tensors);
    }

    private static Value route(Program.Builder p, Value x) {
        return p.route(p.linear(x, weight("router", EXPERTS)), TOP_K, new Scoring.Softmax(), Optional.empty(), Optional.empty(), true, 1);
    }
}
