package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.quant.DType;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.PagedSequences;
import io.jllm.spi.StepBatch;
import io.jllm.spi.TinyModels;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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

    /** Changes all products by matrices of low rank, and nothing else. */
    private static Adapter products(Program program, int rank) {
        var products = new HashMap<String, Change>();
        for (Op op : program.ops()) {
            if (op instanceof Op.Linear l) {
                l.weights().forEach(w -> products.put(w.name(), Change.of(lowRank(rank, w.rows(), l.in().width()))));
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
        for (Adapter adapter : List.of(products(program, 4), everything(program, 4))) {
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
