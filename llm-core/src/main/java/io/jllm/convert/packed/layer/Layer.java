package io.jllm.convert.packed.layer;

import io.jllm.ModelLoadException;
import io.jllm.model.ExpertOp;
import io.jllm.model.LatentOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Some ops of a program between two places at which one value is all that later ops read of earlier ones: a layer, or what stands before the
 * first.
 *
 * @param ops in order
 * @param in the value before it; empty for what stands before the first layer
 * @param out the value behind it
 */
public record Layer(List<Op> ops, Optional<Value> in, Value out) {
    private static final Pattern NAME = Pattern.compile("blk\\.(\\d{1,9})\\..*");

    /**
     * Cuts a program: what stands before the layers first, then the layers. What stands behind them is left out.
     *
     * @throws ModelLoadException if the layers hang together by more than one value, or have products that are not supported
     */
    public static List<Layer> of(Program program) {
        List<Op> ops = program.ops();
        for (Op op : ops) {
            if (op instanceof LatentOp) {
                throw new ModelLoadException("the model has compressed attention, whose matrices GPTQ and AWQ are not made of here; --type Q4_K_M "
                        + "and others are");
            }
        }
        List<Integer> borders = borders(ops);
        var layers = new ArrayList<Layer>();
        Optional<Value> in = Optional.empty();
        int from = 0;
        for (int border : borders) {
            Value out = crossing(ops, border).iterator().next();
            layers.add(new Layer(ops.subList(from, border), in, out));
            in = Optional.of(out);
            from = border;
        }
        layers.forEach(Layer::checkCaches);
        return layers;
    }

    /** Where each layer begins, and where the last ends. */
    private static List<Integer> borders(List<Op> ops) {
        var first = new ArrayList<Integer>();
        var last = new ArrayList<Integer>();
        int behind = ops.size();
        for (int i = 0; i < ops.size(); i++) {
            int layer = number(ops.get(i));
            if (layer == first.size()) {
                first.add(i);
                last.add(i);
            } else if (layer >= 0 && layer == first.size() - 1) {
                last.set(layer, i);
            } else if (layer >= 0) {
                throw new ModelLoadException("the layers of the model do not follow each other: blk." + layer + " is met after blk."
                        + (first.size() - 1));
            } else if (!first.isEmpty() && !ops.get(i).tensors().isEmpty()) {
                behind = Math.min(behind, i);
            }
        }
        if (first.isEmpty()) {
            throw new ModelLoadException("the model has no layers whose matrices could be quantised");
        }
        var borders = new ArrayList<Integer>();
        for (int l = 0; l <= first.size(); l++) {
            int from = l == 0 ? 1 : last.get(l - 1) + 1;
            int to = l == first.size() ? behind : first.get(l);
            int border = from;
            while (border <= to && crossing(ops, border).size() != 1) {
                border++;
            }
            if (border > to) {
                throw new ModelLoadException("before layer " + l + " more than one value is handed on: its inputs cannot be kept by themselves; "
                        + "GPTQ and AWQ need layers one after the other");
            }
            borders.add(border);
        }
        return borders;
    }

    /** The layer that an op has tensors of; -1 for none. */
    private static int number(Op op) {
        return op.tensors().stream().map(t -> NAME.matcher(t.name())).filter(Matcher::matches).mapToInt(m -> Integer.parseInt(m.group(1)))
                .findFirst().orElse(-1);
    }

    /** Values that are made before a place and read behind it. */
    private static Set<Value> crossing(List<Op> ops, int border) {
        var made = new HashSet<Value>();
        ops.subList(0, border).forEach(op -> made.add(op.out()));
        var read = new HashSet<Value>();
        ops.subList(border, ops.size()).forEach(op -> read.addAll(op.inputs()));
        read.retainAll(made);
        return read;
    }

    /** Keys and values must be of the layer itself. */
    private void checkCaches() {
        var stored = new HashSet<Integer>();
        for (Op op : ops) {
            op.cachedLayer().ifPresent(c -> {
                if (op instanceof Op.PagedAttention && !stored.contains(c.layer())) {
                    throw new ModelLoadException("a layer reads keys and values of layer " + c.layer()
                            + ", another one: GPTQ and AWQ need layers of their own");
                }
                stored.add(c.layer());
            });
        }
    }

    /**
     * Its products, those of one input together, in the order of the first of each. What chooses experts, or says how much of a shared one counts,
     * is no such product: it is small, much hangs on it, and readers take it for floats.
     */
    public List<Stage> stages() {
        var choices = new HashSet<Value>();
        for (Op op : ops) {
            switch (op) {
                case ExpertOp.Route r -> choices.add(r.logits());
                case Op.Add a -> a.gate().ifPresent(choices::add);
                default -> { }
            }
        }
        Map<Value, List<Op.Linear>> products = new LinkedHashMap<>();
        for (Op op : ops) {
            if (op instanceof Op.Linear l && !choices.contains(l.out())) {
                products.computeIfAbsent(l.in(), _ -> new ArrayList<>()).add(l);
            }
        }
        return products.entrySet().stream().map(e -> new Stage(e.getKey(), List.copyOf(e.getValue()))).toList();
    }

    /** Its matrices of experts, those of one input together, in their order. */
    public List<ExpertStage> expertStages() {
        return ops.stream().flatMap(op -> switch (op) {
            case ExpertOp.ExpertLinear l -> Stream.of(new ExpertStage(l.in(), l.route(), l.weights(), l.experts(), 1));
            case ExpertOp.ExpertSum s -> Stream.of(new ExpertStage(s.in(), s.route(), List.of(s.weight()), s.experts(), s.topK()));
            default -> Stream.empty();
        }).toList();
    }

    /** The op that makes a value; empty if that comes from before. */
    public Optional<Op> maker(Value value) {
        return ops.stream().filter(op -> op.out().equals(value)).findFirst();
    }

    /** The ops that read a value. */
    public List<Op> readers(Value value) {
        return ops.stream().filter(op -> op.inputs().contains(value)).toList();
    }
}
