package io.jllm.cuda.compile;

import io.jllm.cuda.adapter.Places;
import io.jllm.cuda.kernels.AdapterKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.model.Op;
import io.jllm.model.Value;
import java.lang.foreign.Arena;

/** Compiles what adapters change of rows that are theirs, before the model's own ops and after them. */
final class AdapterOps {
    private final AdapterRoom room;
    private final DeviceState state;
    private final Values values;
    private final CompiledOps compiled;
    private final AdapterKernels kernels;

    /** Adds what it compiles to the ops that are compiled. */
    AdapterOps(AdapterRoom room, DeviceState state, Values values, Arena arena, CompiledOps compiled) {
        this.room = room;
        this.state = state;
        this.values = values;
        this.compiled = compiled;
        kernels = new AdapterKernels(state.kernels(), arena, room.table());
    }

    private AdapterKernels.Product product(Op.Linear l, AdapterRoom.Adapted a) {
        return new AdapterKernels.Product(l.out().rows(), a.sites(), a.outputs(), values.rows(l.in()), l.in().width(), values.rows(l.out()));
    }

    /** Keeps the residual of a product: the result may take its place. */
    void before(Op.Linear l) {
        room.product(l).filter(a -> !a.kept().equals(Rows.NONE)).ifPresent(a -> add(kernels.keep(product(l, a),
                values.rows(l.residual().orElseThrow()), a.kept(), l.out().width()), l.out()));
    }

    /** Changes the results of a product. */
    void after(Op.Linear l) {
        room.product(l).ifPresent(a -> {
            AdapterKernels.Product p = product(l, a);
            if (a.whole()) {
                add(kernels.whole(p, a.kept()), l.out());
            }
            if (!a.thin().equals(Rows.NONE)) {
                add(kernels.shrink(p, a.thin()), l.out());
            }
            add(kernels.expand(p, a.thin(), a.kept()), l.out());
        });
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
        compiled.add(new RowsOp(launch, out.rows()));
    }
}
