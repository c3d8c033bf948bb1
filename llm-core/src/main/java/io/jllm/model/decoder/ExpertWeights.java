package io.jllm.model.decoder;

import io.jllm.ModelLoadException;
import io.jllm.quant.Assembled;
import io.jllm.quant.Grouped;
import io.jllm.quant.GroupedBlocks;
import io.jllm.quant.Part;
import io.jllm.quant.Rounded;
import io.jllm.quant.Strided;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Tensors {@code ffn_gate_exps}, {@code ffn_up_exps} and {@code ffn_down_exps} of all experts of a layer, however files have them. Nothing is
 * copied.
 */
public final class ExpertWeights {
    /** How families name, for their layers, what stands with inputs as rows. */
    public static final String GATE_UP_INPUTS = "blk.*.ffn_gate_up_exps.inputs";
    public static final String DOWN_INPUTS = "blk.*.ffn_down_exps.inputs";

    private static final Pattern SINGLE = Pattern.compile("(blk\\.\\d+\\.ffn_(?:gate|up|down))\\.(\\d{1,6})\\.weight");
    private static final Pattern GATE_UP = Pattern.compile("(blk\\.\\d+)\\.ffn_gate_up_exps\\.weight");
    private static final Pattern INPUTS = Pattern.compile("(blk\\.\\d+)\\.ffn_(gate_up|down)_exps\\.inputs");

    private ExpertWeights() {
    }

    /**
     * Of experts one by one ({@code blk.0.ffn_gate.3.weight}, as checkpoints and early GGUF files have them), or of gate and up of each
     * expert together ({@code ffn_gate_up_exps}).
     *
     * @param count experts of a layer
     * @throws ModelLoadException if a layer has some of its experts one by one, and not all
     */
    public static WeightSource stacked(WeightSource source, int count) {
        var out = new ComposedWeights(source);
        var layers = new TreeMap<String, TreeMap<Integer, String>>();
        for (String name : source.names()) {
            Matcher single = SINGLE.matcher(name);
            Matcher fused = GATE_UP.matcher(name);
            if (single.matches()) {
                layers.computeIfAbsent(single.group(1) + "_exps.weight", _ -> new TreeMap<>()).put(Integer.parseInt(single.group(2)), name);
            } else if (fused.matches()) {
                for (int half = 0; half < 2; half++) {
                    String made = fused.group(1) + (half == 0 ? ".ffn_gate_exps.weight" : ".ffn_up_exps.weight");
                    int which = half;
                    out.make(made, Set.of(name), () -> half(made, source.tensor(name), count, which));
                }
            }
        }
        layers.forEach((made, singles) -> {
            List<String> names = complete(singles, count);
            out.make(made, Set.copyOf(names), () -> together(made, names.stream().map(source::get).toList()));
        });
        return out;
    }

    private static Assembled together(String name, List<Weights> experts) {
        boolean alike = experts.stream().map(Weights::stored).distinct().count() == 1;
        return new Assembled(name, experts.stream().map(w -> part(alike ? w : Rounded.apart(w))).toList());
    }

    private static List<String> complete(TreeMap<Integer, String> singles, int count) {
        for (int e = 0; e < count; e++) {
            if (!singles.containsKey(e)) {
                throw new ModelLoadException("the model has " + count + " experts, and there is " + singles.firstEntry().getValue()
                        + ", but none of number " + e);
            }
        }
        if (singles.size() > count) {
            throw new ModelLoadException("the model has " + count + " experts, numbered from 0, and there is " + singles.lastEntry().getValue());
        }
        return List.copyOf(singles.values());
    }

    private static Assembled half(String name, Tensor fused, int count, int which) {
        long rows = fused.rows() / count / 2;
        if (rows == 0 || rows * count * 2 != fused.rows()) {
            throw new ModelLoadException("tensor " + fused.name() + " has " + fused.rows() + " rows, which are not two halves for each of " + count
                    + " experts");
        }
        return assembled(name, count, e -> fused.rows(name, (2L * e + which) * rows, (2L * e + which + 1) * rows));
    }

    private static Part part(Weights w) {
        return switch (w) {
            case Tensor t -> t;
            case Assembled a when a.parts().size() == 1 -> without(a.parts().getFirst(), w.name());
            case Assembled a -> a.copied();
            case Grouped g -> throw g.notPlain();
        };
    }

    /** Refuses the rule of LLM.int8(), which goes by all inputs of a matrix: there is none of an expert's. */
    private static Part without(Part part, String name) {
        if (part instanceof GroupedBlocks b && b.outliers() > 0) {
            throw new IllegalArgumentException("tensor " + name + " is of an expert in LLM.int8(), whose rule for inputs of " + b.outliers()
                    + " and above is not computed for experts: use the unquantised model, or a GGUF file of it");
        }
        return part;
    }

    /**
     * Of tensors with inputs as rows, named {@link #GATE_UP_INPUTS} and {@link #DOWN_INPUTS}.
     *
     * @param hidden inputs of gate and up
     * @param ffn their outputs
     * @param alternating whether outputs of gate and up take turns; else those of gate come first
     */
    public static WeightSource transposed(WeightSource source, int count, int hidden, int ffn, boolean alternating) {
        var out = new ComposedWeights(source);
        for (String name : source.names()) {
            Matcher m = INPUTS.matcher(name);
            if (!m.matches()) {
                continue;
            }
            String layer = m.group(1);
            if (m.group(2).equals("down")) {
                String down = layer + ".ffn_down_exps.weight";
                out.make(down, Set.of(name), () -> {
                    Tensor t = checked(Rounded.apart(source.get(name)).plain(), (long) count * ffn, hidden);
                    return assembled(down, count, e -> new Strided(t, (long) e * ffn * hidden, hidden, 1, ffn, hidden));
                });
            } else {
                for (int half = 0; half < 2; half++) {
                    String made = layer + (half == 0 ? ".ffn_gate_exps.weight" : ".ffn_up_exps.weight");
                    int first = alternating ? half : half * ffn;
                    out.make(made, Set.of(name), () -> {
                        Tensor t = checked(Rounded.apart(source.get(name)).plain(), (long) count * hidden, 2L * ffn);
                        return assembled(made, count, e -> new Strided(t, 2L * e * hidden * ffn + first, ffn, alternating ? 2 : 1, hidden, 2L * ffn));
                    });
                }
            }
        }
        return out;
    }

    private static Tensor checked(Tensor t, long rows, long cols) {
        if (t.rows() != rows || t.cols() != cols) {
            throw new ModelLoadException("tensor " + t.name() + " is " + t.rows() + " x " + t.cols() + ", the model needs " + rows + " x " + cols);
        }
        if (t.type().isQuantized()) {
            throw new ModelLoadException("tensor " + t.name() + " has type " + t.type() + ", which cannot be transposed; supported are plain floats");
        }
        return t;
    }

    private static Assembled assembled(String name, int count, IntFunction<Part> expert) {
        return new Assembled(name, IntStream.range(0, count).mapToObj(expert).toList());
    }
}
