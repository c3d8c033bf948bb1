package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.attention.HeadKernels;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.util.Optional;

/** Compiles what is done to heads where the fast kernels do not do it. */
final class HeadOps {
    private final DeviceState state;
    private final Values values;
    private final HeadKernels kernels;

    HeadOps(DeviceState state, Values values, Arena arena) {
        this.state = state;
        this.values = values;
        kernels = new HeadKernels(state.kernels(), arena, state.kvSuffix(), state.upload());
    }

    CompiledOp norm(HeadOp.NormHeads n) {
        return new CompiledOp.OfRows(kernels.norm(values.rows(n.in()), values.rows(n.out()), n.shape(), norm(n.q()), norm(n.k()), n.clip()),
                n.out().rows());
    }

    private HeadKernels.Norm norm(Optional<HeadOp.HeadNorm> norm) {
        return norm.map(n -> new HeadKernels.Norm(switch (n.kind()) {
            case RMS -> 1;
            case LAYER -> 2;
        }, switch (n.scope()) {
            case ALIKE -> 0;
            case EACH -> 1;
            case ALL -> 2;
        }, state.vector(n.weight()), state.vector(n.bias()), n.eps())).orElse(HeadKernels.Norm.NONE);
    }

    CompiledOp rotate(HeadOp.Rotate r) {
        return new CompiledOp.OfRows(kernels.rotate(values.rows(r.in()), values.rows(r.out()), r.shape(), state.rotation(r.rope())), r.out().rows());
    }

    CompiledOp scale(HeadOp.ScaleQueries s) {
        return new CompiledOp.OfRows(kernels.scaleQueries(values.rows(s.in()), values.rows(s.out()), s.out().width(), s.scale(), s.every(),
                s.offset()), s.out().rows());
    }

    CompiledOp ropeStore(HeadOp.RopeStoreKv r) {
        return new CompiledOp.OfRows(kernels.ropeStore(values.rows(r.qkv()), values.rows(r.out()), state.pages(r.layer()), r.shape(),
                state.rotation(r.rope()), state.vector(r.norm().map(Op.QkNorm::qWeight)), state.vector(r.norm().map(Op.QkNorm::kWeight)),
                r.norm().map(Op.QkNorm::eps).orElse(0f)), Value.Rows.TOKENS);
    }

    /** Attention of all rows, or of those that a list names. */
    RowsLaunch attention(Op.PagedAttention a, long list) {
        return kernels.attention(values.rows(a.q()), values.rows(a.out()), state.pages(a.layer()), DeviceState.scores(a), a.scores().chunked(),
                state.alibi(a.scores()), state.vector(a.scores().sinks()), list);
    }
}
