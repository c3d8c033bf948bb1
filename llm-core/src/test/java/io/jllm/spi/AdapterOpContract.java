package io.jllm.spi;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.adapter.ReplacedRows;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.WeightSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What adapters change of products, tables and norms, against the oracle: sequences with several ones and without in a step, at odd sizes. */
public abstract class AdapterOpContract extends ManyRowsContract {
    private static final int TOKENS = 53;
    private static final int WIDTH = 96;
    private static final int INNER = 1056;
    private static final int PRODUCTS = 12;
    /** Sequences of a step, more than there are in any that is one kernel. */
    private static final int MOST_FEW = 17;
    private static final List<int[]> STEPS = List.of(new int[] {7, 0, 1, 3, 2, 1, 1}, new int[] {1, 1, 1, 1, 1, 1, 1},
            new int[] {0, 1, 0, 0, 1, 0, 0}, new int[] {1, 0, 0, 0, 0, 0, 0}, new int[] {0, 0, 0, 9, 1, 1, 17});
    private static final List<int[]> LARGE_STEPS = List.of(new int[] {30, 11, 20, 9, 3, 8, 2}, new int[] {1, 1, 70, 1, 0, 1, 1});

    private static Program program() {
        var p = new Program.Builder();
        Value x = p.embed("table", TOKENS, WIDTH);
        Value h = p.rmsNorm(x, "norm", EPS);
        Value gated = p.gated(p.linear(h, weight("gate", INNER), weight("up", INNER)), Op.Activation.SILU);
        x = p.linearAdd(x, gated, new Weight("down", WIDTH, Optional.of("down.bias")));
        h = p.layerNorm(x, Optional.of("layer"), Optional.of("layer.bias"), EPS);
        Value parts = p.linear(h, new Weight("a", WIDTH, Optional.of("a.bias")), weight("b", 32), weight("c", 160));
        x = p.linearAdd(x, parts, weight("o", WIDTH));
        return p.build(p.linear(p.rmsNorm(p.selectRows(x), "last", EPS), weight("out", TOKENS)));
    }

    /** Of low rank, for all matrices whose names match. */
    private static Adapter matching(Program program, String names, int rank) {
        var products = new HashMap<String, Change>();
        for (Op op : program.ops()) {
            if (op instanceof Op.Linear l) {
                l.weights().stream().filter(w -> w.name().matches(names)).forEach(w -> products.put(w.name(),
                        Change.of(lowRank(rank + w.name(), DType.BF16, rank, w.rows(), l.in().width()))));
            }
        }
        return ofProducts(products);
    }

    private static LowRank lowRank(String name, DType type, int rank, int rows, int cols) {
        return new LowRank(Oracle.random(name + ".down", type, rank, cols, name.hashCode()), Oracle.random(name + ".up", type, rows, rank, name.hashCode()
                + 1L), 0.5f);
    }

    private static float[] numbers(int count, long seed) {
        var random = new Random(seed);
        var all = new float[count];
        for (int i = 0; i < count; i++) {
            all[i] = 1 + 0.2f * (float) random.nextGaussian();
        }
        return all;
    }

    private static Adapter ofProducts(Map<String, Change> products) {
        return new Adapter(products, Map.of(), Map.of());
    }

    /** Each of its own kind: some products, all of them of another rank and type, factors, whole matrices, single rows. */
    private static List<Adapter> adapters() {
        int joined = WIDTH + 32 + 160;
        Adapter some = ofProducts(Map.of("a", Change.of(lowRank("1a", DType.F32, 5, WIDTH, WIDTH)), "c", Change.of(lowRank("1c", DType.F32, 16, 160,
                WIDTH))));
        Adapter all = new Adapter(Map.of("gate", Change.of(lowRank("2g", DType.F16, 70, INNER, WIDTH)),
                "up", Change.of(lowRank("2u", DType.BF16, 8, INNER, WIDTH)), "down", Change.of(lowRank("2d", DType.F16, 3, WIDTH, INNER)),
                "a", Change.of(lowRank("2a", DType.BF16, 33, WIDTH, WIDTH)), "b", Change.of(lowRank("2b", DType.F32, 1, 32, WIDTH)),
                "o", Change.of(lowRank("2o", DType.F16, 9, WIDTH, joined)), "out", Change.of(lowRank("2t", DType.F32, 4, TOKENS, WIDTH))),
                Map.of("table", Change.of(lowRank("2e", DType.F32, 6, WIDTH, TOKENS))), Map.of());
        Adapter factors = new Adapter(Map.of("down", Change.of(lowRank("3d", DType.F32, 4, WIDTH, INNER)).withGain(numbers(WIDTH, 1))
                .withShift(numbers(WIDTH, 2)), "a", Change.of(lowRank("3a", DType.F32, 20, WIDTH, WIDTH)).withGain(numbers(WIDTH, 3)),
                "b", Change.ofShift(numbers(32, 4))), Map.of("table", Change.of(lowRank("3e", DType.F16, 9, WIDTH, TOKENS))
                        .withGain(numbers(WIDTH, 5))), Map.of("norm", numbers(WIDTH, 6), "layer.bias", numbers(WIDTH, 7)));
        Adapter whole = new Adapter(Map.of("down", Change.of(Oracle.random("4d", DType.F16, WIDTH, INNER, 8)).withGain(numbers(WIDTH, 9)),
                "o", Change.of(Oracle.random("4o", DType.F32, WIDTH, joined, 10)), "c", Change.of(Oracle.random("4c", DType.BF16, 160, WIDTH, 11))),
                Map.of("table", Change.of(Oracle.random("4e", DType.F16, TOKENS, WIDTH, 12))),
                Map.of("last", numbers(WIDTH, 13), "layer", numbers(WIDTH, 14)));
        int[] odd = IntStream.range(0, TOKENS).filter(i -> i % 2 == 1).toArray();
        Adapter rows = new Adapter(Map.of("out", Change.of(new ReplacedRows(odd, Oracle.random("5t", DType.F16, odd.length, WIDTH, 15))),
                "o", Change.of(new ReplacedRows(new int[] {95, 0, 33}, Oracle.random("5o", DType.F32, 3, joined, 16)))),
                Map.of("table", Change.of(new ReplacedRows(odd, Oracle.random("5e", DType.F32, odd.length, WIDTH, 17)))), Map.of());
        return List.of(some, all, factors, whole, rows);
    }

    private void adapted(DType type, List<int[]> steps, double tolerance) {
        Program program = program();
        try (Backend backend = open(2)) {
            Oracle.compareAdapted(backend, program, Oracle.weights(program, type), steps, adapters(), PRODUCTS * tolerance, this::quantises);
        }
    }

    @Test
    void rowsOfSeveralAdaptersInAStep() {
        for (DType type : List.of(DType.F32, DType.F16, DType.Q8_0)) {
            adapted(type, STEPS, tolerance() + either(type));
        }
    }

    @Test
    void manyRowsOfSeveralAdaptersInAStep() {
        for (DType type : List.of(DType.F32, DType.F16)) {
            adapted(type, LARGE_STEPS, tolerance() + either(type) + manyTolerance(type));
        }
    }

    /** Steps of one token a sequence, whose products between two attentions may be one kernel, but for what adapters change. */
    @Test
    void fewSequencesWithAdaptersOfSomeProducts() {
        Program program = TinyModels.program(TinyModels.config(TOKENS, 2, 128, 192, new Op.AttentionShape(4, 2, 32), 256, 0));
        var steps = new ArrayList<int[]>();
        for (int n : new int[] {MOST_FEW, 16, 8, 3, 2, 9, MOST_FEW}) {
            var counts = new int[MOST_FEW];
            Arrays.fill(counts, 0, n, 1);
            steps.add(counts);
        }
        var one = new int[MOST_FEW];
        one[1] = 1;
        steps.add(one);
        Adapter norms = new Adapter(Map.of(), Map.of(), Map.of("blk.0.ffn_norm.weight", numbers(128, 18), "blk.1.attn_norm.weight",
                numbers(128, 19)));
        for (DType type : List.of(DType.F16, DType.Q4_0)) {
            WeightSource weights = Oracle.weights(program, type);
            double most = PRODUCTS * (tolerance() + either(type));
            for (String names : List.of(".*attn_[qv].*", ".*", ".*ffn_down.*", ".*attn_output.*")) {
                List<Adapter> adapters = List.of(matching(program, names, 5), matching(program, names, 16));
                try (Backend backend = open(2)) {
                    Oracle.compareAdapted(backend, program, weights, steps, adapters, most, this::quantises);
                }
            }
            try (Backend backend = open(2)) {
                List<Adapter> adapters = List.of(norms, matching(program, ".*attn_[qv].*", 3));
                Oracle.compareAdapted(backend, program, weights, steps, adapters, most, this::quantises);
            }
        }
    }
}
