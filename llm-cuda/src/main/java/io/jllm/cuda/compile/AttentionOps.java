package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.attention.AttentionCut;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.DecodeKernels;
import io.jllm.cuda.kernels.attention.FlashKernels;
import io.jllm.cuda.kernels.attention.SingleRowKernels;
import io.jllm.model.HeadOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/**
 * Compiles attention. Sequences with one token have a kernel of their own, which does not know all kinds of scores; tiles of the others' queries go
 * to tensor cores where pages and heads allow it, else to a kernel of floats, which knows the same kinds. The plain kernel does the rest.
 */
final class AttentionOps {
    private static final long ALL_ROWS = 0;

    private final Program program;
    private final DeviceState state;
    private final Values values;
    private final Mode mode;
    private final AttentionKernels attentions;
    private final DecodeKernels decodes;
    private final FlashKernels flash;
    private final SingleRowKernels singleRows;
    private final HeadOps heads;
    private final AttentionCut cut;
    private final Optional<TensorOps> tensors;

    AttentionOps(Program program, DeviceState state, Values values, Mode mode, Arena arena, AttentionKernels attentions, DecodeKernels decodes,
            HeadOps heads, AttentionCut cut, Optional<TensorOps> tensors) {
        this.program = program;
        this.state = state;
        this.values = values;
        this.mode = mode;
        this.attentions = attentions;
        this.decodes = decodes;
        this.heads = heads;
        this.cut = cut;
        this.tensors = tensors;
        flash = new FlashKernels(state.kernels(), arena, state.kvSuffix(), state.upload());
        singleRows = new SingleRowKernels(state.kernels(), arena, state.upload());
    }

    /** Whether its kernels write results in 8 bits if that is wanted. */
    boolean quantizes(Op.PagedAttention a) {
        return !mode.anyBatch() && cut.attends(a) && values.wantsBytes(a.out()) && state.storesBytes(a.shape());
    }

    /** Whether the attention behind a rotation does it, too, in steps without tiles. */
    boolean rotates(HeadOp.RopeStoreKv r) {
        return program.ops().stream().anyMatch(op -> op instanceof Op.PagedAttention a && rotates(r, a));
    }

    private boolean rotates(HeadOp.RopeStoreKv r, Op.PagedAttention a) {
        return mode.anyBatch() && decodes.decodesRotated() && cut.rotates(r) && cut.attends(a) && values.feeds(r, a.q()) && a.layer() == r.layer();
    }

    CompiledOp compile(Op.PagedAttention a) {
        Optional<AttentionKernels.Tiles> tiles = mode.anyBatch() ? tiles(a) : Optional.empty();
        AttentionKernels.Scores scores = DeviceState.scores(a);
        Optional<TensorOps> many = tensors.filter(_ -> flash.has(a.shape()));
        Optional<FlashKernels.AnyRows> to = many.flatMap(t -> t.attended(a)).map(FlashKernels.AnyRows::of);
        DecodeKernels.Narrow singles = to.filter(_ -> cut.attends(a) && decodes.narrows(scores)).map(DecodeKernels.Narrow::of)
                .orElse(DecodeKernels.Narrow.NONE);
        Optional<AttentionOp.Narrow> narrow = many.flatMap(t -> narrow(a, t, to, singles));
        if (cut.attends(a)) {
            boolean bytes = quantizes(a);
            Rows y = singles.address() != 0 ? Rows.NONE : values.outputs(a.out(), values.wantsFloats(a.out()) || !bytes, bytes);
            AttentionKernels.Pages pages = state.pages(a.layer());
            Optional<RowsLaunch> rotated = program.ops().stream().filter(op -> op instanceof HeadOp.RopeStoreKv r && rotates(r, a))
                    .map(HeadOp.RopeStoreKv.class::cast).findFirst()
                    .map(r -> decodes.decodeRotated(values.rows(r.qkv()), y, singles, pages, scores, state.partials(), state.rotation(r)));
            return new AttentionOp(decodes.decode(values.rows(a.q()), y, singles, pages, scores, state.partials()), tiles, rotated, narrow);
        }
        return tiles.isPresent() ? new AttentionOp(heads.attention(a, state.at(Field.SINGLE_ROW)), tiles, Optional.empty(), narrow)
                : new CompiledOp.OfRows(heads.attention(a, ALL_ROWS), Value.Rows.TOKENS);
    }

    /** Whether single queries may be beside tiles in steps in which products rotate. */
    boolean rotatesBesideSingles(Op.PagedAttention a) {
        return cut.attends(a);
    }

    /**
     * Results are left in 16 bits for the product behind, and queries are as the product before leaves them.
     *
     * @param to where results go, if so
     * @param singles where those of single queries go at once
     */
    private Optional<AttentionOp.Narrow> narrow(Op.PagedAttention a, TensorOps t, Optional<FlashKernels.AnyRows> to, DecodeKernels.Narrow singles) {
        AttentionKernels.Scores s = DeviceState.scores(a);
        FlashKernels.AnyRows y = to.orElseGet(() -> floats(a.out()));
        Optional<AttentionOp.Rotated> rotated = t.rotatedQueries(a).flatMap(q -> flash(a, q, y, s.scaled()).map(tiles ->
                new AttentionOp.Rotated(tiles, rotatesBesideSingles(a) ? Optional.of(widened(a, q, singles, s.scaled())) : Optional.empty())));
        return to.isEmpty() && rotated.isEmpty() ? Optional.empty() : Optional.of(new AttentionOp.Narrow(flash(a, floats(a.q()), y, s).orElseThrow(),
                rotated, to.filter(_ -> singles.address() == 0).map(rows -> singleRows.narrow(values.rows(a.out()), rows, a.out().width()))));
    }

    /** Attention of single queries of 16 bits, which become floats in the place of the results': each is read before its result is there. */
    private RowsLaunch widened(Op.PagedAttention a, FlashKernels.AnyRows q, DecodeKernels.Narrow singles, AttentionKernels.Scores s) {
        Rows y = values.rows(a.out());
        Rows to = singles.address() == 0 ? y : Rows.NONE;
        return new RowsLaunch.InTurn(List.of(singleRows.widen(q, y, a.q().width()),
                decodes.decode(y, to, singles, state.pages(a.layer()), s, state.partials())));
    }

    private FlashKernels.AnyRows floats(Value v) {
        return FlashKernels.AnyRows.of(values.rows(v));
    }

    private Optional<AttentionKernels.Tiles> flash(Op.PagedAttention a, FlashKernels.AnyRows q, FlashKernels.AnyRows y, AttentionKernels.Scores s) {
        return flash.attention(q, y, state.pages(a.layer()), s, a.scores().chunked(), state.alibi(a.scores()), state.vector(a.scores().sinks()));
    }

    private Optional<AttentionKernels.Tiles> tiles(Op.PagedAttention a) {
        Rows q = values.rows(a.q());
        Rows y = values.rows(a.out());
        AttentionKernels.Pages pages = state.pages(a.layer());
        AttentionKernels.Scores scores = DeviceState.scores(a);
        return flash(a, floats(a.q()), floats(a.out()), scores)
                .or(() -> cut.attends(a) ? Optional.of(attentions.prefill(q, y, pages, scores)) : Optional.empty());
    }
}
