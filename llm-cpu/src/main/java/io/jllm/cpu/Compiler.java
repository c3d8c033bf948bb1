package io.jllm.cpu;

import io.jllm.cpu.kernels.Kernels;
import io.jllm.cpu.kernels.Rows;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Rope;
import io.jllm.model.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Turns a program into steps over given scratch memory. */
final class Compiler {
    private final Program program;
    private final Tensors tensors;
    private final KvCache cache;
    private final SequenceIndex sequences;
    private final Kernels kernels;
    private final int threads;

    Compiler(Program program, Tensors tensors, KvCache cache, SequenceIndex sequences, Kernels kernels, int threads) {
        this.program = program;
        this.tensors = tensors;
        this.cache = cache;
        this.sequences = sequences;
        this.kernels = kernels;
        this.threads = threads;
    }

    /** The steps, in order. */
    List<Step> compile(Scratch scratch) {
        var steps = new ArrayList<Step>();
        Map<Rope, RopeTable> tables = new LinkedHashMap<>();
        for (Op op : program.ops()) {
            if (op instanceof Op.RopeStoreKv r && !tables.containsKey(r.rope())) {
                var table = new RopeTable(r.rope(), scratch.tokens());
                tables.put(r.rope(), table);
                steps.add(table);
            }
            steps.add(compile(op, scratch, tables));
        }
        return steps;
    }

    private Step compile(Op op, Scratch scratch, Map<Rope, RopeTable> tables) {
        Rows out = scratch.rows(op.out());
        Value.Rows kind = op.out().rows();
        return switch (op) {
            case Op.Embed e -> new RowSteps.Embed(out, tensors.matrix(e.table()));
            case Op.RmsNorm n -> new RowSteps.Norm(out, scratch.rows(n.in()), kind, tensors.vector(n.weight()), n.eps(), kernels);
            case Op.Linear l -> new LinearStep(out, scratch.rows(l.in()), l.residual().map(scratch::rows), kind,
                    l.weights().stream().map(tensors::matrix).toList(), kernels, threads);
            case Op.RopeStoreKv r -> new RopeStep(r, out, scratch.rows(r.qkv()), tensors, tables.get(r.rope()), cache, kernels);
            case Op.PagedAttention a -> new AttentionStep(a, out, scratch.rows(a.q()), cache, sequences, kernels);
            case Op.GatedAct g -> new RowSteps.Gated(out, scratch.rows(g.gateUp()), kind, g.kind(), kernels);
            case Op.SelectRows s -> new RowSteps.Select(out, scratch.rows(s.in()));
        };
    }
}
