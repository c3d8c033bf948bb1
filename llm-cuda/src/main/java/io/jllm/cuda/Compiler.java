package io.jllm.cuda;

import io.jllm.cuda.StepUpload.Field;
import io.jllm.cuda.driver.Launch;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import io.jllm.model.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Turns a program into launches, twice: for steps of any kind, and, with ops fused, for those in which a few sequences have one token each. */
final class Compiler {
    private static final int NORM_BLOCK = 512;
    private static final int ROW_BLOCK = 256;
    private static final int EMBED_BLOCK = 128;
    private static final int ROPE_BLOCK = 64;

    private final Program program;
    private final Machine machine;
    private final Fusion fusion;
    private final Arena arena;
    private final Kernels kernels;
    private final BitSet floats = new BitSet();
    private final BitSet bytes = new BitSet();

    /**
     * For a program.
     *
     * @param arena owns the memory of the launches
     */
    Compiler(Program program, Machine machine, Arena arena) {
        this.program = program;
        this.machine = machine;
        this.arena = arena;
        kernels = machine.kernels();
        fusion = new Fusion(program, machine, arena);
        floats.set(program.logits().id());
        for (Op op : program.ops()) {
            if (op instanceof Op.Linear l) {
                for (List<Weight> run : machine.plan().runs(l)) {
                    (machine.matrix(run).format().dense() ? floats : bytes).set(l.in().id());
                }
                l.residual().ifPresent(r -> floats.set(r.id()));
            } else {
                op.inputs().forEach(v -> floats.set(v.id()));
            }
        }
    }

    /**
     * The launches, in order.
     *
     * @param decode for at most {@link LinearStep#MOST_FEW} sequences with one token each, all of which want logits
     */
    List<Step> compile(boolean decode) {
        var steps = new ArrayList<Step>();
        List<Op> ops = program.ops();
        Map<Value, Value> selected = new HashMap<>();
        for (int i = 0; i < ops.size(); i++) {
            Op op = ops.get(i);
            if (decode) {
                int fused = fusion.compile(ops.subList(i, ops.size()), bytes, steps);
                if (fused > 0) {
                    i += fused - 1;
                    continue;
                }
            }
            add(op, decode, selected, steps);
        }
        return List.copyOf(steps);
    }

    private void add(Op op, boolean decode, Map<Value, Value> selected, List<Step> steps) {
        Value out = op.out();
        boolean stored = false;
        switch (op) {
            case Op.Embed e -> steps.add(embed(e));
            case Op.RmsNorm n -> {
                steps.add(norm(n, Optional.ofNullable(selected.get(n.in()))));
                stored = true;
            }
            case Op.Linear l -> linear(l, steps);
            case Op.RopeStoreKv r -> steps.add(rope(r));
            case Op.PagedAttention a -> {
                stored = decode && bytes.get(out.id()) && machine.storesBytes(a.shape());
                steps.add(attention(a, decode, stored));
            }
            case Op.GatedAct g -> {
                steps.add(gated(g));
                stored = true;
            }
            case Op.SelectRows s -> {
                if (fusion.onlyNormed(s)) {
                    selected.put(s.out(), s.in()); // the norm picks its rows
                    return;
                }
                steps.add(select(s));
            }
        }
        if (bytes.get(out.id()) && !stored) {
            steps.add(quantize(out));
        }
    }

    private Step embed(Op.Embed e) {
        var table = machine.matrix(e.table());
        Value y = e.out();
        return new RowSteps.Down(kernels.launch(arena, "embed_" + table.format().suffix(), EMBED_BLOCK, 0, 6).pointer(machine.address(table))
                .integer(table.rows()).integer(table.cols()).pointer(machine.at(Field.TOKEN_IDS)).pointer(machine.floats(y)).integer(Area.pitch(y)), y.rows());
    }

    /** A norm of a value, or of those rows of another whose logits are wanted. */
    private Step norm(Op.RmsNorm n, Optional<Value> all) {
        Value x = all.orElse(n.in());
        Value y = n.out();
        Launch launch = kernels.launch(arena, "rms_norm", NORM_BLOCK, 0, 10).pointer(machine.floats(x)).integer(Area.pitch(x))
                .pointer(all.isPresent() ? machine.at(Field.LOGIT_ROW) : 0).pointer(machine.vector(n.weight())).real(n.eps());
        return new RowSteps.Down(outputs(launch, y).integer(y.width()), y.rows());
    }

    private Step gated(Op.GatedAct g) {
        Value x = g.gateUp();
        Value y = g.out();
        Launch launch = kernels.launch(arena, "gated", ROW_BLOCK, 0, 8).pointer(machine.floats(x)).integer(Area.pitch(x));
        return new RowSteps.Across(outputs(launch, y).integer(y.width()).integer(Machine.number(g.kind())), Math.ceilDiv(y.width(), ROW_BLOCK), y.rows());
    }

    /** Where a value goes: floats, bytes or both, as its readers want it. */
    private Launch outputs(Launch launch, Value y) {
        boolean quantized = bytes.get(y.id());
        return launch.pointer(floats.get(y.id()) ? machine.floats(y) : 0).integer(Area.pitch(y)).pointer(quantized ? machine.bytes(y) : 0)
                .pointer(quantized ? machine.scales(y) : 0);
    }

    private Step select(Op.SelectRows s) {
        Value x = s.in();
        Value y = s.out();
        return new RowSteps.Down(kernels.launch(arena, "select_rows", ROW_BLOCK, 0, 6).pointer(machine.floats(x)).integer(Area.pitch(x))
                .pointer(machine.at(Field.LOGIT_ROW)).pointer(machine.floats(y)).integer(Area.pitch(y)).integer(y.width()), y.rows());
    }

    private Step quantize(Value v) {
        return new RowSteps.Across(kernels.launch(arena, "quantize", ROW_BLOCK, 0, 5).pointer(machine.floats(v)).integer(Area.pitch(v))
                .pointer(machine.bytes(v)).pointer(machine.scales(v)).integer(v.width()), Math.ceilDiv(v.width(), ROW_BLOCK), v.rows());
    }

    private void linear(Op.Linear l, List<Step> steps) {
        int column = 0;
        for (List<Weight> run : machine.plan().runs(l)) {
            WeightPlan.Matrix w = machine.matrix(run);
            String family = "gemv_" + w.format().suffix();
            int[] shape = kernels.shape(family);
            var few = new ArrayList<Launch>();
            for (int rows = 1; rows <= LinearStep.MOST_FEW; rows *= 2) {
                few.add(product(l, run, w, column, family + "_m" + rows, shape[0]));
            }
            Launch many = product(l, run, w, column, "gemm_" + w.format().suffix(), ROW_BLOCK);
            steps.add(new LinearStep(few, Math.ceilDiv(w.rows(), shape[1]), List.of(many), w.rows(), 10, l.out().rows()));
            column += w.rows();
        }
    }

    private Launch product(Op.Linear l, List<Weight> run, WeightPlan.Matrix w, int column, String kernel, int block) {
        long shift = (long) column * Float.BYTES;
        Launch launch = kernels.launch(arena, kernel, block, 0, 11).pointer(machine.address(w));
        if (w.format().dense()) {
            launch.pointer(machine.floats(l.in())).integer(Area.pitch(l.in()));
        } else {
            launch.pointer(machine.bytes(l.in())).pointer(machine.scales(l.in()));
        }
        return launch.pointer(machine.bias(run)).pointer(l.residual().map(r -> machine.floats(r) + shift).orElse(0L))
                .integer(l.residual().map(Area::pitch).orElse(0)).pointer(machine.floats(l.out()) + shift).integer(Area.pitch(l.out()))
                .integer(w.rows()).integer(w.cols()).integer(0);
    }

    private Step rope(Op.RopeStoreKv r) {
        Op.AttentionShape s = r.shape();
        Launch launch = kernels.launch(arena, "rope_store_" + machine.kvSuffix(), ROPE_BLOCK, 0, 20).pointer(machine.floats(r.qkv()))
                .integer(Area.pitch(r.qkv())).pointer(machine.floats(r.out())).integer(Area.pitch(r.out()));
        machine.pages(launch, r.layer()).pointer(machine.at(Field.POSITIONS)).pointer(machine.at(Field.KV_SLOTS)).integer(machine.blockSize())
                .integer(s.heads()).integer(s.kvHeads()).integer(s.headDim());
        return new RowSteps.Across(machine.rotation(launch, r), s.heads() + 2 * s.kvHeads(), Value.Rows.TOKENS);
    }

    private Step attention(Op.PagedAttention a, boolean decode, boolean quantized) {
        Op.AttentionShape s = a.shape();
        Launch singles = kernels.launch(arena, "attn_decode_" + machine.kvSuffix(), Machine.ATTENTION_BLOCK, 0, 24).pointer(machine.floats(a.q()))
                .integer(Area.pitch(a.q()));
        boolean wanted = floats.get(a.out().id()) || !quantized;
        machine.attention(singles, a, wanted, quantized);
        Optional<Launch> tiles = Optional.empty();
        if (!decode) {
            Launch t = kernels.launch(arena, "attn_prefill_" + machine.kvSuffix(), Machine.ATTENTION_BLOCK, 0, 20).pointer(machine.floats(a.q()))
                    .integer(Area.pitch(a.q())).pointer(machine.floats(a.out())).integer(Area.pitch(a.out()));
            machine.pages(t, a.layer()).pointer(machine.at(Field.TILE_ROW)).pointer(machine.at(Field.TILE_ROWS)).pointer(machine.at(Field.TILE_SEQUENCE))
                    .pointer(machine.at(Field.POSITIONS)).pointer(machine.at(Field.TABLE_AT)).pointer(machine.at(Field.TABLE));
            tiles = Optional.of(machine.scores(t, a));
        }
        return new AttentionStep(singles, tiles, machine.multiprocessors(), s.heads(), s.kvHeads());
    }
}
