package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.ExpertKernels;
import io.jllm.cuda.kernels.GroupKernels;
import io.jllm.cuda.kernels.MixtureKernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.SumKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Compiles mixtures of experts, as a whole where there are kernels for that, else and for products of heads with one launch for each matrix. What
 * rows chose is read on the device.
 */
final class ExpertOps {
    private final DeviceState state;
    private final Values values;
    private final CompiledOps compiled;
    private final Mode mode;
    private final ExpertKernels kernels;
    private final GroupKernels groups;
    private final MixtureKernels wholes;
    /** Rows that the op before a mixture leaves as the mixture expects them. */
    private final Set<Value> split = new HashSet<>();

    /** Adds what it compiles to the ops that are compiled. */
    ExpertOps(DeviceState state, Values values, Mode mode, Arena arena, CompiledOps compiled) {
        this.state = state;
        this.values = values;
        this.mode = mode;
        this.compiled = compiled;
        kernels = new ExpertKernels(state.kernels(), arena);
        groups = new GroupKernels(state.kernels(), arena);
        wholes = new MixtureKernels(state.kernels(), arena, groups);
    }

    /** The mixture that begins with an op, if there is one. */
    Optional<Mixture> mixture(Op first) {
        return first instanceof ExpertOp.ExpertLinear l ? values.mixture(l) : Optional.empty();
    }

    /** Compiles a mixture, and the norm behind it if it is given. */
    void add(Mixture m, Optional<SumKernels.Norm> norm) {
        add(launch(m, norm), m.sum().out());
    }

    /**
     * Where a mixture that begins with an op expects rows in pieces, if it does and they are those of a value; from now on it finds them there.
     */
    Optional<MixtureKernels.Split> expected(Op first, Value rows) {
        if (!(first instanceof ExpertOp.ExpertLinear l) || !l.in().equals(rows)) {
            return Optional.empty();
        }
        Optional<MixtureKernels.Split> to = values.mixture(l).flatMap(m -> wholes.split(kernels(m, Optional.empty()), room()));
        to.ifPresent(_ -> split.add(rows));
        return to;
    }

    private GroupKernels.Room room() {
        return state.rooms().mixtures().orElseThrow().parts();
    }

    private RowsLaunch launch(Mixture m, Optional<SumKernels.Norm> norm) {
        GroupKernels.Mixture mixture = kernels(m, norm);
        return mode.many() ? groups.many(mixture, room())
                : wholes.few(mixture, room(), split.contains(m.gateUp().in()));
    }

    private GroupKernels.Mixture kernels(Mixture m, Optional<SumKernels.Norm> norm) {
        Weight gate = m.gateUp().weights().getFirst();
        Weight up = m.gateUp().weights().getLast();
        Weight down = m.sum().weight();
        return new GroupKernels.Mixture(chosen(m.sum().route(), m.sum().experts(), m.sum().weighted()), weights(gate.name(), gate.rows()),
                weights(up.name(), up.rows()), state.vector(gate.bias()), state.vector(up.bias()), DeviceState.number(m.act().kind()),
                weights(down.name(), down.rows()), state.vector(down.bias()), values.rows(m.gateUp().in()), values.rows(m.act().out()),
                m.sum().residual().map(values::rows).orElse(Rows.NONE), values.rows(m.sum().out()), norm);
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
        compiled.add(new CompiledOp.OfRows(launch, out.rows()));
    }

    private ProductKernels.Weights weights(String name, int outputs) {
        WeightPlan.Matrix m = state.matrix(name);
        return state.weights(m, outputs);
    }

    private ExpertKernels.Chosen chosen(Value route, int experts, boolean weighted) {
        return new ExpertKernels.Chosen(values.rows(route), route.width() / 2, experts, weighted);
    }

    /** Whether there is a kernel for a norm, scores by a matrix, and the choice by them. */
    boolean chooses(ProductKernels.Weights matrix) {
        return kernels.chooses(matrix);
    }

    /** A norm, scores and the choice by them. */
    RowsLaunch choose(ExpertKernels.Scored s, ExpertOp.Route r) {
        return kernels.choose(s, r.topK(), choice(r), values.rows(r.out()));
    }

    /** The choice alone. */
    RowsLaunch route(ExpertOp.Route r) {
        return kernels.route(values.rows(r.logits()), r.logits().width(), r.topK(), choice(r), values.rows(r.out()));
    }

    private ExpertKernels.Choice choice(ExpertOp.Route r) {
        int scoring = switch (r.scoring()) {
            case ExpertOp.Scoring.Softmax _ -> 0;
            case ExpertOp.Scoring.Sigmoid _ -> 1;
            case ExpertOp.Scoring.SparseMixer _ -> 2;
        };
        float jitter = r.scoring() instanceof ExpertOp.Scoring.SparseMixer m ? m.jitter() : 0;
        return new ExpertKernels.Choice(scoring, jitter, state.vector(r.bias()), r.groups().map(ExpertOp.Groups::count).orElse(0),
                r.groups().map(ExpertOp.Groups::chosen).orElse(0), r.groups().map(ExpertOp.Groups::best).orElse(0), r.normalised(), r.scale());
    }
}
