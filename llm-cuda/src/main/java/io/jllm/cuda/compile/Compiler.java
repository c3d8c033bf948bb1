package io.jllm.cuda.compile;

import io.jllm.cuda.driver.Launch;
import io.jllm.cuda.kernels.Kernels;
import io.jllm.cuda.memory.Activations;
import io.jllm.cuda.memory.StepUpload.Field;
import io.jllm.cuda.weights.WeightPlan;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Turns a program into launches, in one of several ways. */
public final class Compiler {
    private static final int NORM_BLOCK = 512;
    private static final int ROW_BLOCK = 256;
    private static final int EMBED_BLOCK = 128;
    private static final int ROPE_BLOCK = 64;
    /** Index of the argument of products that says how many rows there are. */
    private static final int ROWS_AT = 10;

    private final Program program;
    private final DeviceState machine;
    private final Mode mode;
    private final Values values;
    private final Fusion fusion;
    private final Arena arena;
    private final Kernels kernels;
    private final CompiledOps steps;

    private Compiler(Program program, DeviceState machine, Arena arena, Mode mode) {
        this.program = program;
        this.machine = machine;
        this.arena = arena;
        this.mode = mode;
        kernels = machine.kernels();
        values = new Values(program, machine, mode);
        steps = new CompiledOps(machine, values, arena);
        fusion = new Fusion(machine, values, arena, mode, steps);
    }

    /**
     * The launches, in order.
     *
     * @param arena owns their memory
     */
    public static List<CompiledOp> compile(Program program, DeviceState machine, Arena arena, Mode mode) {
        var compiler = new Compiler(program, machine, arena, mode);
        List<Op> ops = program.ops();
        for (int i = 0; i < ops.size();) {
            int fused = compiler.fusion.compile(ops.subList(i, ops.size()));
            if (fused == 0) {
                compiler.add(ops.get(i));
            }
            i += Math.max(1, fused);
        }
        return compiler.steps.done();
    }

    private void add(Op op) {
        Value out = op.out();
        boolean quantized = false;
        switch (op) {
            case Op.Embed e -> steps.add(embed(e));
            case Op.RmsNorm n -> {
                steps.add(norm(n));
                quantized = true;
            }
            case Op.Linear l -> linear(l);
            case Op.RopeStoreKv r -> steps.add(rope(r));
            case Op.PagedAttention a -> {
                quantized = mode != Mode.ANY && values.wantsBytes(out) && machine.storesBytes(a.shape());
                steps.add(attention(a, quantized));
            }
            case Op.GatedAct g -> {
                steps.add(gated(g));
                quantized = true;
            }
            case Op.SelectRows s -> {
                if (values.onlyNormed(s)) {
                    return; // the norm picks its rows
                }
                if (values.selectsNothing(s)) {
                    values.alias(out, s.in());
                } else {
                    steps.add(select(s));
                }
            }
        }
        if (values.wantsBytes(out) && !quantized) {
            steps.add(quantize(out));
        }
    }

    private CompiledOp embed(Op.Embed e) {
        var table = machine.matrix(e.table());
        Value y = e.out();
        return new RowOps.Down(kernels.launch(arena, "embed_" + table.format().suffix(), EMBED_BLOCK, 6).pointer(machine.address(table))
                .integer(table.rows()).integer(table.cols()).pointer(machine.at(Field.TOKEN_IDS)).pointer(values.floats(y))
                .integer(Activations.pitch(y)), y.rows());
    }

    /** A norm of a value, or of those of its rows whose logits are wanted. */
    private CompiledOp norm(Op.RmsNorm n) {
        Optional<Value> all = program.ops().stream().filter(op -> op.out().equals(n.in()) && op instanceof Op.SelectRows s && values.onlyNormed(s))
                .map(op -> ((Op.SelectRows) op).in()).findFirst();
        Value x = all.orElse(n.in());
        Value y = n.out();
        Launch launch = kernels.launch(arena, "rms_norm", NORM_BLOCK, 10).pointer(values.floats(x)).integer(Activations.pitch(x))
                .pointer(all.isPresent() ? machine.at(Field.LOGIT_ROW) : 0).pointer(machine.vector(n.weight())).real(n.eps());
        return new RowOps.Down(values.outputs(launch, y).integer(y.width()), y.rows());
    }

    private CompiledOp gated(Op.GatedAct g) {
        Value x = g.gateUp();
        Value y = g.out();
        Launch launch = kernels.launch(arena, "gated", ROW_BLOCK, 8).pointer(values.floats(x)).integer(Activations.pitch(x));
        return new RowOps.Across(values.outputs(launch, y).integer(y.width()).integer(DeviceState.number(g.kind())), Math.ceilDiv(y.width(),
                ROW_BLOCK),
                y.rows());
    }

    private CompiledOp select(Op.SelectRows s) {
        Value x = s.in();
        Value y = s.out();
        return new RowOps.Down(kernels.launch(arena, "select_rows", ROW_BLOCK, 6).pointer(values.floats(x)).integer(Activations.pitch(x))
                .pointer(machine.at(Field.LOGIT_ROW)).pointer(values.floats(y)).integer(Activations.pitch(y)).integer(y.width()), y.rows());
    }

    private CompiledOp quantize(Value v) {
        return new RowOps.Across(kernels.launch(arena, "quantize", ROW_BLOCK, 5).pointer(values.floats(v)).integer(Activations.pitch(v))
                .pointer(values.bytes(v)).pointer(values.scales(v)).integer(v.width()), Math.ceilDiv(v.width(), ROW_BLOCK), v.rows());
    }

    private void linear(Op.Linear l) {
        int column = 0;
        for (List<Weight> run : machine.plan().runs(l)) {
            WeightPlan.Matrix w = machine.matrix(run);
            if (mode == Mode.ONE && machine.chains(run)) {
                steps.product(l, run, column, Optional.empty());
            } else {
                product(l, run, w, column);
            }
            column += w.rows();
        }
    }

    private void product(Op.Linear l, List<Weight> run, WeightPlan.Matrix w, int column) {
        String family = "gemv_" + w.format().suffix();
        int[] shape = kernels.shape(family);
        var few = new ArrayList<Launch>();
        for (int rows = 1; rows <= LinearOp.MOST_FEW; rows *= 2) {
            few.add(product(l, run, w, column, family + "_m" + rows, shape[0]));
        }
        Optional<ManyRows> many = mode == Mode.ANY ? Optional.of(many(l, run, w, column)) : Optional.empty();
        steps.add(new LinearOp(few, Math.ceilDiv(w.rows(), shape[1]), many, ROWS_AT, l.out().rows()));
    }

    private ManyRows many(Op.Linear l, List<Weight> run, WeightPlan.Matrix w, int column) {
        if (!w.format().dense() || machine.tensors().isEmpty()) {
            return new ManyRows.Tiles(product(l, run, w, column, "gemm_" + w.format().suffix(), ROW_BLOCK), w.rows(), ROWS_AT);
        }
        long shift = (long) column * Float.BYTES;
        return TensorProduct.of(kernels, arena, machine.tensors().get(), w, machine.address(w), values.floats(l.in()), Activations.pitch(l.in()),
                machine.bias(run),
                l.residual().map(r -> values.floats(r) + shift).orElse(0L), l.residual().map(Activations::pitch).orElse(0), values.floats(l.out())
                + shift,
                Activations.pitch(l.out()));
    }

    private Launch product(Op.Linear l, List<Weight> run, WeightPlan.Matrix w, int column, String kernel, int block) {
        long shift = (long) column * Float.BYTES;
        Launch launch = kernels.launch(arena, kernel, block, 11).pointer(machine.address(w));
        if (w.format().dense()) {
            launch.pointer(values.floats(l.in())).integer(Activations.pitch(l.in()));
        } else {
            launch.pointer(values.bytes(l.in())).pointer(values.scales(l.in()));
        }
        return launch.pointer(machine.bias(run)).pointer(l.residual().map(r -> values.floats(r) + shift).orElse(0L))
                .integer(l.residual().map(Activations::pitch).orElse(0)).pointer(values.floats(l.out()) + shift).integer(Activations.pitch(l.out()))
                .integer(w.rows()).integer(w.cols()).integer(0);
    }

    private CompiledOp rope(Op.RopeStoreKv r) {
        Op.AttentionShape s = r.shape();
        Launch launch = kernels.launch(arena, "rope_store_" + machine.kvSuffix(), ROPE_BLOCK, 20).pointer(values.floats(r.qkv()))
                .integer(Activations.pitch(r.qkv())).pointer(values.floats(r.out())).integer(Activations.pitch(r.out()));
        machine.pages(launch, r.layer()).pointer(machine.at(Field.POSITIONS)).pointer(machine.at(Field.KV_SLOTS)).integer(machine.blockSize())
                .integer(s.heads()).integer(s.kvHeads()).integer(s.headDim());
        return new RowOps.Across(machine.rotation(launch, r), s.heads() + 2 * s.kvHeads(), Value.Rows.TOKENS);
    }

    private CompiledOp attention(Op.PagedAttention a, boolean quantized) {
        Op.AttentionShape s = a.shape();
        Launch singles = kernels.launch(arena, "attn_decode_" + machine.kvSuffix(), DeviceState.ATTENTION_BLOCK, 24).pointer(values.floats(a.q()))
                .integer(Activations.pitch(a.q()));
        machine.attention(values.outputs(singles, a.out(), values.wantsFloats(a.out()) || !quantized, quantized), a);
        Optional<Launch> tiles = Optional.empty();
        if (mode == Mode.ANY) {
            Launch t = kernels.launch(arena, "attn_prefill_" + machine.kvSuffix(), DeviceState.ATTENTION_BLOCK, 20).pointer(values.floats(a.q()))
                    .integer(Activations.pitch(a.q())).pointer(values.floats(a.out())).integer(Activations.pitch(a.out()));
            machine.pages(t, a.layer()).pointer(machine.at(Field.TILE_ROW)).pointer(machine.at(Field.TILE_ROWS))
                    .pointer(machine.at(Field.TILE_SEQUENCE))
                    .pointer(machine.at(Field.POSITIONS)).pointer(machine.at(Field.TABLE_AT)).pointer(machine.at(Field.TABLE));
            tiles = Optional.of(machine.scores(t, a));
        }
        return new AttentionOp(singles, tiles, machine.multiprocessors(), s.heads(), s.kvHeads());
    }
}
