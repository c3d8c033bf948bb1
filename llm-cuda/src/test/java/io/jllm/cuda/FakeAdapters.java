package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.cuda.kernels.KernelImages;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.KernelTime;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.PagedSequences;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Adapters on the driver of tests: what is launched, what is compiled anew and what is given back. */
final class FakeAdapters {
    private static final RunnerOptions OPTIONS = new RunnerOptions(128, 4, 128, 16, 40, 0, DType.F16);
    /** More than there are slots at first. */
    private static final int MANY = 40;

    private FakeAdapters() {
    }

    /** Changes all that can be changed, in every way that there is. */
    private static Adapter everything(Program program, int rank) {
        var products = new HashMap<String, Change>();
        var tables = new HashMap<String, Change>();
        var vectors = new HashMap<String, float[]>();
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Linear l -> l.weights().forEach(w -> products.put(w.name(), Change.of(lowRank(rank, w.rows(), l.in().width()))
                        .with(TinyModels.random(DType.F32, w.rows(), l.in().width(), 1)).withGain(new float[w.rows()])
                        .withShift(new float[w.rows()])));
                case Op.Embed e -> tables.put(e.table(), Change.of(lowRank(rank, e.out().width(), e.rows())));
                case Op.RmsNorm n -> vectors.put(n.weight(), new float[n.out().width()]);
                case Op.LayerNorm n -> n.bias().ifPresent(b -> vectors.put(b, new float[n.out().width()]));
                default -> { }
            }
        }
        return new Adapter(products, tables, vectors);
    }

    /** Changes all products of matrices whose names match by matrices of low rank, and nothing else. */
    static Adapter products(Program program, String names, int rank) {
        var products = new HashMap<String, Change>();
        for (Op op : program.ops()) {
            if (op instanceof Op.Linear l) {
                l.weights().stream().filter(w -> w.name().matches(names)).forEach(w -> products.put(w.name(),
                        Change.of(lowRank(rank, w.rows(), l.in().width()))));
            }
        }
        return new Adapter(products, Map.of(), Map.of());
    }

    private static Adapter some(Program program, int rank) {
        Op.Linear l = (Op.Linear) program.ops().stream().filter(Op.Linear.class::isInstance).findFirst().orElseThrow();
        return new Adapter(Map.of(l.weights().getFirst().name(), Change.of(lowRank(rank, l.weights().getFirst().rows(), l.in().width()))), Map.of(),
                Map.of());
    }

    private static LowRank lowRank(int rank, int rows, int cols) {
        return new LowRank(TinyModels.random(DType.F32, rank, cols, 2), TinyModels.random(DType.F32, rows, rank, 3), 2);
    }

    private static void forward(ModelRunner runner, StepBatch b, int adapter) {
        b.adapter[0] = adapter;
        runner.forward(b);
    }

    /** A step of each kind: a prompt, a longer one, and one of one token, which is a graph. */
    static void live(ModelRunner runner, Program program) {
        for (Adapter adapter : List.of(products(program, ".*", 4), everything(program, 4))) {
            runner.addAdapter(1, adapter);
            var sequences = new PagedSequences(2, 16, 40, 200, 100, 1);
            forward(runner, sequences.next(30, 1), 1);
            forward(runner, sequences.next(1, 1), 1);
            runner.removeAdapter(1);
        }
    }

    static void run() {
        for (Program program : List.of(TinyModels.program(TinyModels.config(100, 2, 64, 96, new Op.AttentionShape(4, 2, 16), 256, 0)),
                EveryOp.program())) {
            try (CudaBackend backend = FakeScenarios.open();
                    ModelRunner runner = backend.load(program, TinyModels.weights(program, DType.Q8_0, 1), OPTIONS)) {
                comeAndGo(runner, program);
                forward(runner, new PagedSequences(2, 16, 40, 200, 100, 1).next(90, 7), 0);
            }
            try (CudaBackend backend = FakeScenarios.open();
                    ModelRunner runner = backend.load(program, TinyModels.weights(program, DType.Q8_0, 1), OPTIONS)) {
                live(runner, program);
            }
        }
        if (KernelImages.packaged().missing().isEmpty()) {
            chains();
        }
    }

    /** Of two layers, what adapters leave alone stands in chains of two products and more. */
    private static void chains() {
        Program program = TinyModels.program(TinyModels.config(100, 2, 64, 128, new Op.AttentionShape(4, 2, 16), 256, 0));
        Map<String, Adapter> adapters = Map.of("q and v", products(program, ".*attn_[qv].*", 4), "all", products(program, ".*", 4),
                "down", products(program, ".*ffn_down.*", 4), "norms", new Adapter(Map.of(), Map.of(), Map.of("blk.0.ffn_norm.weight",
                        new float[64], "blk.1.ffn_norm.weight", new float[64])));
        // Chains are of o, gate and up, and down; none; none, as gate and up make bytes for down; and of gate and up, down and what comes next.
        Map<String, Integer> blocks = Map.of("q and v", 2, "all", 0, "down", 0, "norms", 2);
        // Of 16 bits what gate and up make stays floats, so these are a chain with o.
        Map<String, Integer> dense = Map.of("q and v", 2, "all", 0, "down", 2, "norms", 2);
        adapters.forEach((name, adapter) -> {
            chains(program, DType.Q4_0, name, adapter, blocks.get(name));
            chains(program, DType.F16, name, adapter, dense.get(name));
        });
    }

    private static void chains(Program program, DType type, String name, Adapter adapter, int want) {
        var options = new RunnerOptions(64, 20, 64, 16, 40, 0, DType.F16);
        boolean blocks = type == DType.Q4_0;
        try (CudaBackend backend = FakeScenarios.open(); ModelRunner runner = backend.load(program, TinyModels.weights(program, type, 1), options)) {
            runner.addAdapter(1, adapter);
            for (int rows : new int[] {1, 2, 3, 8, 16, 17}) {
                Map<String, Integer> launches = launches(runner, rows);
                String what = type + ", " + rows + " rows, adapters of " + name + ": " + launches;
                assertEquals(rows > 1 && rows <= 8 ? want : 0, launches.getOrDefault(blocks ? "chain_blocks_q4_0_n1" : "chain_rows_f16", 0), what);
                assertEquals(rows == 16 && blocks ? want : 0, launches.getOrDefault("chain_blocks_q4_0_n2", 0), what);
            }
        }
    }

    /** How often kernels are launched in a step of so many sequences with one token each, of which the first has an adapter. */
    private static Map<String, Integer> launches(ModelRunner runner, int sequences) {
        var counts = new int[sequences];
        Arrays.fill(counts, 1);
        StepBatch b = new PagedSequences(sequences, 16, 40, 16, 100, 1).next(counts);
        b.adapter[0] = 1;
        return runner.forwardTimed(b).stream().collect(Collectors.toMap(KernelTime::kernel, KernelTime::launches));
    }

    private static void comeAndGo(ModelRunner runner, Program program) {
        long before = runner.memory().weights();
        var sequences = new PagedSequences(2, 16, 40, 200, 100, 1);
        assertThrows(IllegalArgumentException.class, () -> forward(runner, sequences.next(1, 1), 7));
        runner.addAdapter(7, some(program, 4));
        assertTrue(runner.memory().weights() > before, "weights of an adapter count");
        forward(runner, sequences.next(80, 7), 7);
        forward(runner, sequences.next(1, 1), 7);
        long launches = FakeDriver.launches();
        long graphs = FakeDriver.graphLaunches();
        runner.addAdapter(1, some(program, 9)); // within what was compiled
        forward(runner, sequences.next(1, 1), 1);
        assertEquals(launches, FakeDriver.launches(), "a step of one token a sequence is one graph");
        assertEquals(graphs + 1, FakeDriver.graphLaunches());
        assertThrows(IllegalArgumentException.class, () -> runner.addAdapter(1, some(program, 4)));
        assertThrows(IllegalArgumentException.class, () -> runner.addAdapter(0, some(program, 4)));
        assertThrows(IllegalArgumentException.class, () -> forward(runner, sequences.next(1, 1), 2));
        String said = assertThrows(IllegalArgumentException.class, () -> runner.addAdapter(2, new Adapter(Map.of(), Map.of(), Map.of("none",
                new float[1])))).getMessage();
        assertTrue(said.contains("no norm with none"), said);
        runner.addAdapter(2, everything(program, 33)); // needs more of all
        forward(runner, sequences.next(1, 1), 2);
        runner.removeAdapter(7);
        for (int i = 3; i < MANY; i++) {
            runner.addAdapter(i + MANY, some(program, 2)); // needs more slots
        }
        forward(runner, sequences.next(1, 1), 2 * MANY - 1);
        for (int i = 3; i < MANY; i++) {
            runner.removeAdapter(i + MANY);
        }
        runner.removeAdapter(1);
        runner.removeAdapter(2);
        assertEquals(before, runner.memory().weights());
        assertThrows(IllegalArgumentException.class, () -> runner.removeAdapter(2));
    }
}
