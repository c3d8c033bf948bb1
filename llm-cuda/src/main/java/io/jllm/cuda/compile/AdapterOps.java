package io.jllm.cuda.compile;

import io.jllm.cuda.adapter.Places;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.adapter.AdapterKernels;
import io.jllm.cuda.kernels.adapter.JoinedKernels;
import io.jllm.model.Op;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Compiles what adapters change of rows that are theirs, before the model's own ops and after them. For few rows, where adapters have matrices of low
 * rank and no more, a norm or a gated activation between two products is one kernel with what they add to the first and what the second needs.
 */
final class AdapterOps {
    private final AdapterRoom room;
    private final DeviceState state;
    private final Values values;
    private final CompiledOps compiled;
    private final AdapterKernels kernels;
    private final Optional<JoinedKernels> joined;
    /** Products whose rows have met first matrices, in so many chunks of columns. */
    private final Map<Op.Linear, Integer> chunks = new HashMap<>();
    /** The product whose results lack what adapters add to them. */
    private Optional<Op.Linear> open = Optional.empty();

    /** Adds what it compiles to the ops that are compiled. */
    AdapterOps(AdapterRoom room, DeviceState state, Values values, Mode mode, Arena arena, CompiledOps compiled) {
        this.room = room;
        this.state = state;
        this.values = values;
        this.compiled = compiled;
        kernels = new AdapterKernels(state.kernels(), arena, room.table());
        joined = mode == Mode.FEW ? JoinedKernels.of(state.kernels(), arena, room.table()) : Optional.empty();
    }

    private AdapterKernels.Product product(Op.Linear l, AdapterRoom.Adapted a) {
        return new AdapterKernels.Product(l.out().rows(), a.sites(), a.outputs(), values.rows(l.in()), l.in().width(), values.rows(l.out()));
    }

    /** The kernels for few rows, if they know all that adapters change of a product. */
    private Optional<JoinedKernels> few(Op.Linear l, AdapterRoom.Adapted a) {
        return joined.filter(j -> l.in().rows() == Value.Rows.TOKENS && l.out().rows() == Value.Rows.TOKENS && a.rank() > 0
                && a.rank() <= j.shape().mostRank() && a.outputs().length <= j.shape().mostSites());
    }

    private JoinedKernels.Site site(Op.Linear l, AdapterRoom.Adapted a) {
        return new JoinedKernels.Site(a.sites(), a.outputs().length, a.thin(), chunks.get(l));
    }

    /** Multiplies by first matrices, or keeps the residual of a product: the result may take its place. */
    void before(Op.Linear l) {
        room.product(l).ifPresent(a -> {
            if (!a.kept().equals(Rows.NONE)) {
                add(kernels.keep(product(l, a), values.rows(l.residual().orElseThrow()), a.kept(), l.out().width()), l.out());
            }
            few(l, a).filter(_ -> !chunks.containsKey(l)).ifPresent(j -> {
                int width = l.in().width();
                chunks.put(l, j.shape().chunks(width));
                add(j.shrink(values.rows(l.in()), width, site(l, a)), l.out());
            });
        });
    }

    /** Changes the results of a product, unless what comes next does it. */
    void after(Op.Linear l, List<Op> next) {
        room.product(l).ifPresent(a -> {
            Optional<JoinedKernels> few = few(l, a);
            if (few.isPresent() && ends(l, a, next)) {
                open = Optional.of(l);
            } else if (few.isPresent()) {
                add(few.get().expand(site(l, a), a.outputs(), values.rows(l.out())), l.out());
            } else {
                any(l, a);
            }
        });
    }

    private void any(Op.Linear l, AdapterRoom.Adapted a) {
        AdapterKernels.Product p = product(l, a);
        if (a.whole()) {
            add(kernels.whole(p, a.kept()), l.out());
        }
        if (!a.thin().equals(Rows.NONE)) {
            add(kernels.shrink(p, a.thin()), l.out());
        }
        add(kernels.expand(p, a.thin(), a.kept()), l.out());
    }

    /** Whether what comes next adds to the results of a product. */
    private boolean ends(Op.Linear l, AdapterRoom.Adapted a, List<Op> next) {
        return joins(next) && !values.wantsBytes(l.out()) && switch (next.getFirst()) {
            case Op.RmsNorm n -> n.in().equals(l.out()) && a.outputs().length == 1;
            case Op.GatedAct g -> values.feeds(l, g.gateUp()) && a.outputs().length == 2 && a.outputs()[0] == g.out().width();
            default -> false;
        };
    }

    /** Whether the first of some ops can be one kernel with what adapters make of its results for the product behind it. */
    private boolean joins(List<Op> ops) {
        if (ops.size() < 2 || !(ops.get(1) instanceof Op.Linear l) || !l.in().equals(ops.getFirst().out())) {
            return false;
        }
        Optional<JoinedKernels> few = room.product(l).flatMap(a -> few(l, a));
        return few.isPresent() && switch (ops.getFirst()) {
            case Op.RmsNorm n -> n.in().rows() == Value.Rows.TOKENS && room.norm(Places.Norm.of(n)).isEmpty()
                    && few.get().shape().normedChunks(n.out().width()).isPresent();
            case Op.GatedAct _ -> true;
            default -> false;
        };
    }

    /** Compiles the first of some ops together with what adapters do before and after it, if there is a kernel for that. */
    boolean joined(List<Op> ops) {
        Op op = ops.getFirst();
        if (!joins(ops) || !(op instanceof Op.RmsNorm) && open.isEmpty()) {
            return false;
        }
        Op.Linear next = (Op.Linear) ops.get(1);
        JoinedKernels kernel = joined.orElseThrow();
        int width = op.out().width();
        boolean norms = op instanceof Op.RmsNorm;
        chunks.put(next, norms ? kernel.shape().normedChunks(width).orElseThrow() : kernel.shape().chunks(width));
        JoinedKernels.Site from = open.map(l -> site(l, room.product(l).orElseThrow())).orElse(JoinedKernels.Site.NONE);
        JoinedKernels.Site to = site(next, room.product(next).orElseThrow());
        Rows y = values.outputs(op.out());
        add(switch (op) {
            case Op.RmsNorm n -> kernel.normed(from, values.rows(n.in()), state.vector(n.weight()), n.eps(), y, width, to);
            case Op.GatedAct g -> kernel.gated(from, values.rows(g.gateUp()), DeviceState.number(g.kind()), y, width, to);
            default -> throw new IllegalStateException("no kernel joins " + op);
        }, op.out());
        open = Optional.empty();
        return true;
    }

    /** Changes rows of an embedding table. */
    void after(Op.Embed e) {
        room.table(e).ifPresent(place -> add(kernels.embed(place, state.at(Field.TOKEN_IDS), values.rows(e.out()), e.out().width()), e.out()));
    }

    /**
     * Norms rows anew.
     *
     * @param in what is normed, of which an index names rows unless it is 0
     */
    void after(Op.RmsNorm n, Value in, long rowIndex) {
        room.norm(Places.Norm.of(n)).ifPresent(place -> add(kernels.norm(new AdapterKernels.Norm(place, n.out().rows(), values.rows(in), rowIndex,
                state.vector(n.weight()), 0, false, n.eps(), values.outputs(n.out()), n.out().width())), n.out()));
    }

    /** Norms rows anew. */
    void after(Op.LayerNorm n) {
        room.norm(Places.Norm.of(n)).ifPresent(place -> add(kernels.norm(new AdapterKernels.Norm(place, n.out().rows(), values.rows(n.in()), 0,
                state.vector(n.weight()), state.vector(n.bias()), true, n.eps(), values.outputs(n.out()), n.out().width())), n.out()));
    }

    private void add(RowsLaunch launch, Value out) {
        compiled.add(new CompiledOp.OfRows(launch, out.rows()));
    }
}
