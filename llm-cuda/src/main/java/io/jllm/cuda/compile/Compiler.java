package io.jllm.cuda.compile;

import io.jllm.cuda.kernels.EmbedKernels;
import io.jllm.cuda.kernels.ProductKernels;
import io.jllm.cuda.kernels.RowKernels;
import io.jllm.cuda.kernels.Rows;
import io.jllm.cuda.kernels.RowsLaunch;
import io.jllm.cuda.kernels.SumKernels;
import io.jllm.cuda.kernels.StepArrays.Field;
import io.jllm.cuda.kernels.TensorKernels;
import io.jllm.cuda.kernels.attention.AttentionCut;
import io.jllm.cuda.kernels.attention.AttentionKernels;
import io.jllm.cuda.kernels.attention.DecodeKernels;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.ExpertOp;
import io.jllm.model.HeadOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;

/** Turns a program into launches, in one of several ways. */
public final class Compiler {
    private final Program program;
    private final DeviceState state;
    private final Mode mode;
    private final Values values;
    private final Arena arena;
    private final CompiledOps compiled;
    private final RowKernels rowKernels;
    private final Ordering ordering;
    private final Outliers outliers;
    private final ProductKernels products;
    private final AttentionKernels attentions;
    private final RowOps rows;
    private final HeadOps heads;
    private final AttentionOps attention;
    private final ExpertOps experts;
    private final Norms norms;
    private final AttentionCut cut;
    private final Fusion fusion;
    private final Optional<TensorOps> tensors;
    private final Optional<AdapterOps> adapters;
    private final Optional<RowChains> chains;

    private Compiler(Program program, DeviceState state, Arena arena, Mode mode, Optional<AdapterRoom> adapted) {
        this.program = program;
        this.state = state;
        this.arena = arena;
        this.mode = mode;
        values = new Values(program, state, mode, adapted);
        compiled = new CompiledOps(state, values, arena);
        adapters = adapted.map(r -> new AdapterOps(r, state, values, mode, arena, compiled));
        rowKernels = new RowKernels(state.kernels(), arena);
        ordering = new Ordering(state, values, rowKernels, mode);
        outliers = new Outliers(state.rooms().outliers(), rowKernels);
        products = new ProductKernels(state.kernels(), arena, state.pieces());
        attentions = new AttentionKernels(state.kernels(), arena, state.kvSuffix(), state.upload());
        var decodes = new DecodeKernels(state.kernels(), arena, state.kvSuffix(), state.upload(), state.multiprocessors());
        tensors = mode.anyBatch() ? state.rooms().tensors().map(room -> new TensorOps(state, values, mode, arena, room, products, ordering))
                : Optional.empty();
        rows = new RowOps(state, values, arena, tensors);
        heads = new HeadOps(state, values, arena);
        experts = new ExpertOps(state, values, mode, arena, compiled);
        norms = new Norms(program, state, values, mode, rowKernels, products, experts);
        cut = AttentionCut.of(state.kernels());
        attention = new AttentionOps(program, state, values, mode, arena, attentions, decodes, heads, cut, tensors);
        fusion = new Fusion(state, values, mode, compiled, products, norms, ordering, decodes, cut, tensors);
        chains = (adapted.isPresent() ? adapted.flatMap(AdapterRoom::chains) : state.rooms().chains()).filter(_ -> mode == Mode.FEW)
                .map(room -> new RowChains(state, values, fusion, arena, room, adapted));
    }

    /**
     * The launches, in order.
     *
     * @param arena owns their memory
     * @param adapters what adapters change; empty for steps without, and for one row
     */
    public static List<CompiledOp> compile(Program program, DeviceState state, Arena arena, Mode mode, Optional<AdapterRoom> adapters) {
        var compiler = new Compiler(program, state, arena, mode, adapters);
        List<Op> ops = program.ops();
        for (int i = 0; i < ops.size();) {
            List<Op> left = ops.subList(i, ops.size());
            int chained = compiler.chains.map(c -> c.length(left)).orElse(0);
            if (chained > 0) {
                compiler.chain(left.subList(0, chained));
                i += chained;
            } else {
                i += compiler.next(left);
            }
        }
        return compiler.compiled.done();
    }

    /** Compiles the first ops of a list, one or as many as one kernel can do; returns how many. */
    private int next(List<Op> ops) {
        int done = fusion.compile(ops);
        if (done == 0) {
            done = rotated(ops);
        }
        if (done == 0) {
            done = add(ops);
        }
        ordering.bytes(ops.get(done - 1).out()).ifPresent(compiled::add);
        return done;
    }

    /** Compiles ops into a chain for few rows, and one by one for more. */
    private void chain(List<Op> ops) {
        int from = compiled.size();
        for (int i = 0; i < ops.size();) {
            i += next(ops.subList(i, ops.size()));
        }
        compiled.replace(from, others -> List.of(chains.orElseThrow().compile(ops, others)));
    }

    /** Compiles a product of queries, keys and values and the rotation behind it, if there is a kernel for both; returns how many ops it has done. */
    private int rotated(List<Op> ops) {
        if (tensors.isEmpty() || ops.size() < 3 || !(ops.getFirst() instanceof Op.Linear l) || !(ops.get(1) instanceof HeadOp.RopeStoreKv r)
                || !(ops.get(2) instanceof Op.PagedAttention a) || !cut.rotates(r)) {
            return 0;
        }
        TensorOps t = tensors.get();
        Optional<RowsLaunch> together = t.rotated(l, r, a);
        together.ifPresent(launch -> compiled.add(new AttentionOp.Product(launch, attention.rotatesBesideSingles(a),
                List.of(new CompiledOp.OfRows(t.linear(l), Value.Rows.TOKENS), rope(r)))));
        return together.isPresent() ? 2 : 0;
    }

    /** Compiles an op, or the mixture (and the norm behind it) or the choice of experts that begins with it; returns how many ops it has done. */
    private int add(List<Op> ops) {
        Optional<CompiledOp> choice = norms.choice(ops);
        if (choice.isPresent()) {
            compiled.add(choice.get());
            return Norms.CHOICE_OPS;
        }
        Optional<Mixture> mixture = experts.mixture(ops.getFirst());
        if (mixture.isEmpty()) {
            if (adapters.filter(a -> a.joined(ops)).isEmpty()) {
                one(ops);
            }
            return 1;
        }
        Mixture m = mixture.get();
        Optional<SumKernels.Norm> norm = norms.behind(m, ops.subList(Mixture.OPS, ops.size()));
        experts.add(m, norm);
        if (values.wantsBytes(m.sum().out())) {
            compiled.add(quantize(m.sum().out()));
        }
        return Mixture.OPS + (norm.isPresent() ? 1 : 0);
    }

    private void one(List<Op> ops) {
        Op op = ops.getFirst();
        Value out = op.out();
        boolean quantized = false;
        switch (op) {
            case Op.Embed e -> embed(e);
            case Op.RmsNorm n -> {
                norm(n, ops.subList(1, ops.size()));
                quantized = true;
            }
            case Op.Linear l -> {
                adapters.ifPresent(a -> a.before(l));
                linear(l);
                adapters.ifPresent(a -> a.after(l, ops.subList(1, ops.size())));
            }
            case HeadOp.RopeStoreKv r -> compiled.add(cut.rotates(r) ? rope(r) : heads.ropeStore(r));
            case Op.PagedAttention a -> {
                compiled.add(attention.compile(a));
                quantized = attention.quantizes(a);
            }
            case Op.GatedAct g -> {
                compiled.add(gated(g));
                quantized = true;
            }
            case Op.AddPositions p -> compiled.add(rows.positions(p));
            case Op.LayerNorm n -> {
                compiled.add(rows.layerNorm(n));
                adapters.ifPresent(a -> a.after(n));
                quantized = true;
            }
            case Op.Act a -> {
                compiled.add(rows.act(a));
                quantized = true;
            }
            case Op.Add a -> compiled.add(rows.add(a));
            case Op.Scale s -> compiled.add(rows.scale(s));
            case HeadOp.NormHeads n -> compiled.add(heads.norm(n));
            case HeadOp.Rotate r -> compiled.add(heads.rotate(r));
            case HeadOp.ScaleQueries s -> compiled.add(heads.scale(s));
            case ExpertOp e -> experts.add(e);
            case LatentOp l -> experts.add(l);
            case Op.SelectRows s -> {
                if (values.onlyNormed(s)) {
                    return; // the norm picks its rows
                }
                if (values.selectsNothing(s)) {
                    values.alias(out, s.in());
                } else {
                    compiled.add(select(s));
                }
            }
        }
        if (values.wantsBytes(out) && !quantized) {
            compiled.add(quantize(out));
        }
    }

    private void embed(Op.Embed e) {
        var table = state.matrix(e.table());
        compiled.add(new CompiledOp.OfRows(EmbedKernels.embed(state.kernels(), arena, table.format(), state.address(table), table.rows(),
                table.cols(), state.at(Field.TOKEN_IDS), values.rows(e.out())), e.out().rows()));
        adapters.ifPresent(a -> a.after(e));
    }

    /** A norm of a value, or of those of its rows whose logits are wanted. */
    private void norm(Op.RmsNorm n, List<Op> next) {
        Optional<RowsLaunch> narrow = tensors.flatMap(t -> t.norm(n));
        if (narrow.isPresent()) {
            compiled.add(new CompiledOp.OfRows(narrow.get(), n.out().rows()));
            return;
        }
        compiled.add(new CompiledOp.OfRows(norms.launch(n, next), n.out().rows()));
        adapters.ifPresent(a -> a.after(n, norms.input(n), norms.rowIndex(n)));
    }

    private CompiledOp gated(Op.GatedAct g) {
        Value y = g.out();
        return new CompiledOp.OfRows(rowKernels.gated(values.rows(g.gateUp()), values.outputs(y), y.width(), DeviceState.number(g.kind())), y.rows());
    }

    private CompiledOp select(Op.SelectRows s) {
        Value y = s.out();
        return new CompiledOp.OfRows(rowKernels.select(values.rows(s.in()), state.at(Field.LOGIT_ROW), values.rows(y), y.width()), y.rows());
    }

    private CompiledOp quantize(Value v) {
        return new CompiledOp.OfRows(rowKernels.quantize(values.rows(v), v.width()), v.rows());
    }

    private void linear(Op.Linear l) {
        if (values.multipliesMany(l)) {
            compiled.add(new CompiledOp.OfRows(tensors.orElseThrow().linear(l), l.out().rows()));
            return;
        }
        int column = 0;
        for (List<Weight> run : state.plan().runs(l)) {
            WeightPlan.Matrix w = state.matrix(run);
            if (mode == Mode.ONE && state.chains(run)) {
                compiled.product(l, run, column, Optional.empty());
            } else {
                product(l, run, w, column);
            }
            column += w.rows();
        }
    }

    private void product(Op.Linear l, List<Weight> run, WeightPlan.Matrix w, int column) {
        ProductKernels.Weights weights = state.weights(w, w.rows());
        ordering.op(w, l.in()).ifPresent(compiled::add);
        Rows in = ordering.rows(w, l.in());
        Rows x = outliers.rows(w, in);
        long bias = state.bias(run);
        Rows residual = l.residual().map(values::rows).orElse(Rows.NONE).from(column);
        Rows y = values.rows(l.out()).from(column);
        RowsLaunch few = outliers.around(products.few(weights, x, bias, residual, y, norms.leavesReady(l)), w, weights, in, y);
        Optional<RowsLaunch> many = mode.anyBatch() && w.outliers() == 0 ? Optional.of(products.many(weights, x, bias, residual, y))
                : Optional.empty();
        var result = TensorKernels.Result.plain(w.rows(), bias, residual, y);
        Optional<RowsLaunch> most = tensors.flatMap(t -> TensorRoom.takes(w, l.out().rows()) ? Optional.of(t.one(in, w, result))
                : t.direct(in, w, result));
        compiled.add(new CompiledOp.Product(few, many, most, l.out().rows()));
    }

    private CompiledOp rope(HeadOp.RopeStoreKv r) {
        CompiledOp op = new CompiledOp.OfRows(attentions.ropeStore(values.rows(r.qkv()), values.rows(r.out()), state.pages(r.layer()), r.shape(),
                state.rotation(r)), Value.Rows.TOKENS);
        return attention.rotates(r) ? new AttentionOp.Rotation(op) : op;
    }
}
