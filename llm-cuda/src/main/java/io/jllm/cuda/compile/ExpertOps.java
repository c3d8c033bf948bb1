package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.ExpertKernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;

/** Compiles mixtures of experts and products of heads: one launch for each matrix, which reads on the device what a row chose. */
final class ExpertOps {
    private final DeviceState state;
    private final Values values;
    private final CompiledOps compiled;
    private final ExpertKernels kernels;

    /** Adds what it compiles to the ops that are compiled. */
    ExpertOps(DeviceState state, Values values, Arena arena, CompiledOps compiled) {
        this.state = state;
        this.values = values;
        this.compiled = compiled;
        kernels = new ExpertKernels(state.kernels(), arena);
    }

    void add(ExpertOp op) {
        switch (op) {
            case ExpertOp.Route r -> add(route(r), r.out());
            case ExpertOp.ExpertLinear l -> {
                int column = 0;
                var chosen = chosen(l.route(), l.experts(), l.weighted());
                for (Weight w : l.weights()) {
                    add(kernels.linear(weights(w.name(), w.rows()), values.rows(l.in()), chosen, state.vector(w.bias()),
                            values.rows(l.out()).from(column)), l.out());
                    column += w.rows() * chosen.slots();
                }
            }
            case ExpertOp.ExpertSum e -> add(kernels.sum(weights(e.weight().name(), e.weight().rows()), values.rows(e.in()),
                    chosen(e.route(), e.experts(), e.weighted()), state.vector(e.weight().bias()),
                    e.residual().map(values::rows).orElse(Rows.NONE), values.rows(e.out())), e.out());
        }
    }

    void add(LatentOp op) {
        switch (op) {
            case LatentOp.LatentQkv l -> {
                LatentOp.LatentShape s = l.shape();
                Rows q = values.rows(l.q());
                Rows y = values.rows(l.out());
                add(kernels.latentParts(q, values.rows(l.kv()), state.vector(l.norm()), l.eps(), y, s.heads(), s.latent(), s.rope(), s.nope()),
                        l.out());
                add(kernels.heads(weights(l.keys(), s.latent()), s.heads(), new ExpertKernels.Parts(q, s.nope() + s.rope(), 0),
                        new ExpertKernels.Parts(y, s.rope() + s.latent(), s.rope())), l.out());
            }
            case LatentOp.HeadLinear l -> {
                int rows = l.out().width() / l.heads();
                add(kernels.heads(weights(l.weight(), rows), l.heads(),
                        new ExpertKernels.Parts(values.rows(l.in()), l.in().width() / l.heads(), l.skip()),
                        new ExpertKernels.Parts(values.rows(l.out()), rows, 0)), l.out());
            }
        }
    }

    private void add(RowsLaunch launch, Value out) {
        compiled.add(new RowsOp(launch, out.rows()));
    }

    private ProductKernels.Weights weights(String name, int outputs) {
        WeightPlan.Matrix m = state.matrix(name);
        return state.weights(m, outputs);
    }

    private ExpertKernels.Chosen chosen(Value route, int experts, boolean weighted) {
        return new ExpertKernels.Chosen(values.rows(route), route.width() / 2, experts, weighted);
    }

    private RowsLaunch route(ExpertOp.Route r) {
        int scoring = switch (r.scoring()) {
            case ExpertOp.Scoring.Softmax _ -> 0;
            case ExpertOp.Scoring.Sigmoid _ -> 1;
            case ExpertOp.Scoring.SparseMixer _ -> 2;
        };
        float jitter = r.scoring() instanceof ExpertOp.Scoring.SparseMixer m ? m.jitter() : 0;
        var choice = new ExpertKernels.Choice(scoring, jitter, state.vector(r.bias()), r.groups().map(ExpertOp.Groups::count).orElse(0),
                r.groups().map(ExpertOp.Groups::chosen).orElse(0), r.groups().map(ExpertOp.Groups::best).orElse(0), r.normalised(), r.scale());
        return kernels.route(values.rows(r.logits()), r.logits().width(), r.topK(), choice, values.rows(r.out()));
    }
}
