package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import io.jllm.load.LoadedModel;
import io.jllm.model.Architecture;
import io.jllm.model.Op;
import io.jllm.model.RowOrder;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Which tensors of a model's program the modules of its checkpoint are: their rows may be cut into several, and stand in another order. What the
 * family does with a checkpoint's tensors is tried out on one whose values are the numbers of its rows.
 */
final class ProgramTensors {
    /** Numbers of rows are floats on their way. */
    private static final int MOST_ROWS = 1 << 24;
    private static final String TABLE = "token_embd.weight";
    private static final String OUTPUT = "output.weight";

    private final LoadedModel model;
    private final Map<String, Product> products = new LinkedHashMap<>();
    private final Map<String, Op.Embed> tables = new LinkedHashMap<>();
    private final Map<String, Integer> vectors = new LinkedHashMap<>();

    /** A matrix that a program multiplies with. */
    record Product(String tensor, int rows, int cols, Optional<String> bias) {
    }

    /**
     * A tensor of the program that a module became, or a part of it.
     *
     * @param rows for each row of the tensor, which of the module's it is; not to be changed
     */
    record Part(Product product, int[] rows) {
    }

    /** Those of a model. */
    ProgramTensors(LoadedModel model) {
        this.model = model;
        for (Op op : model.program().ops()) {
            switch (op) {
                case Op.Linear l -> l.weights().forEach(w -> products.put(w.name(), product(w, l)));
                case Op.Embed e -> tables.put(e.table(), e);
                case Op.RmsNorm n -> vectors.put(n.weight(), n.out().width());
                case Op.LayerNorm n -> {
                    n.weight().ifPresent(w -> vectors.put(w, n.out().width()));
                    n.bias().ifPresent(b -> vectors.put(b, n.out().width()));
                }
                default -> {
                    // adapters change nothing else
                }
            }
        }
    }

    private static Product product(Weight w, Op.Linear op) {
        return new Product(w.name(), w.rows(), op.in().width(), w.bias());
    }

    /** The model's tensors. */
    WeightSource weights() {
        return model.weights();
    }

    /** The matrix of a tensor that the program multiplies with. */
    Optional<Product> product(String tensor) {
        return Optional.ofNullable(products.get(tensor));
    }

    /** The embedding table of that name. */
    Optional<Op.Embed> table(String tensor) {
        return Optional.ofNullable(tables.get(tensor));
    }

    /** The length of a norm's weight or bias of that name. */
    Optional<Integer> vector(String tensor) {
        return Optional.ofNullable(vectors.get(tensor));
    }

    /** What the program calls a tensor of a checkpoint, if that stays one. */
    Optional<String> named(String tensor) {
        return rule(tensor).flatMap(rule -> switch (rule) {
            case HuggingFaceNames.Rename r -> Optional.of(r.to());
            case HuggingFaceNames.Split _ -> Optional.empty();
        }).map(name -> name.equals(OUTPUT) && !products.containsKey(OUTPUT) ? TABLE : name);
    }

    /** Whether a module is the output matrix, which may be a table too. */
    boolean isOutput(String module) {
        return rule(module + ".weight").filter(r -> r instanceof HuggingFaceNames.Rename(String _, String to) && to.equals(OUTPUT)).isPresent();
    }

    private Optional<HuggingFaceNames.Rule> rule(String tensor) {
        return model.family().map(Architecture.Model::names).orElse(HuggingFaceNames.LLAMA).resolveRespelled(tensor);
    }

    /** The matrices that a module of so many outputs became; none if it is not multiplied with, or the family makes something else of it. */
    List<Part> products(String module, long outputs) {
        if (outputs > MOST_ROWS) {
            return List.of();
        }
        var numbers = new float[(int) outputs];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = i;
        }
        Tensor probe = floats(module, numbers, outputs, 1);
        WeightSource source = renamed(module + ".weight", probe);
        var parts = new ArrayList<Part>();
        for (Product p : candidates(source.names())) {
            find(source, p.tensor()).map(w -> rows(w, p)).filter(rows -> rows.length > 0).ifPresent(rows -> parts.add(new Part(p, rows)));
        }
        return parts;
    }

    /** Products that may be made of these tensors: of the same layers, or of the same name. */
    private List<Product> candidates(Set<String> sources) {
        return products.values().stream().filter(p -> sources.stream().anyMatch(s -> layer(s).equals(layer(p.tensor())))).toList();
    }

    private static String layer(String tensor) {
        return tensor.startsWith("blk.") ? tensor.substring(0, tensor.indexOf('.', "blk.".length()) + 1) : tensor;
    }

    private int[] rows(Weights numbers, Product p) {
        var values = new float[Math.toIntExact(numbers.rows() * numbers.cols())];
        numbers.decode(0, Math.toIntExact(numbers.rows()), values, 0);
        var rows = new int[p.rows()];
        if (values.length != rows.length || distinct(values) < values.length) {
            return new int[0];
        }
        RowOrder order = fileOrder(p.tensor());
        for (int r = 0; r < rows.length; r++) {
            rows[r] = (int) values[(int) order.source(r)];
        }
        return rows;
    }

    private static long distinct(float[] values) {
        return IntStream.range(0, values.length).mapToObj(i -> values[i]).distinct().count();
    }

    /** In which order the model's file has the rows of a checkpoint. */
    private RowOrder fileOrder(String tensor) {
        return model.gguf().isPresent() ? RowOrder.KEPT : model.family().map(f -> f.ggufOrder(tensor)).orElse(RowOrder.KEPT);
    }

    /** For each row of a program's tensor, which row of the same tensor of a GGUF file it is. */
    int[] ofFile(Product p) {
        RowOrder order = model.gguf().map(g -> g.order().apply(p.tensor())).orElse(RowOrder.KEPT);
        var rows = new int[p.rows()];
        for (int r = 0; r < rows.length; r++) {
            rows[(int) order.source(r)] = r;
        }
        return rows;
    }

    /** A tensor of a checkpoint as the program has it; empty if the family makes something else of it. */
    Optional<Weights> whole(String tensor, Tensor values, String as) {
        RowOrder order = fileOrder(as);
        return find(renamed(tensor, values), as).map(w -> order.isKept() || w.rows() == 1 ? w
                : gathered(w, IntStream.range(0, Math.toIntExact(w.rows())).map(r -> (int) order.source(r)).toArray()));
    }

    /** A checkpoint of one tensor, under the names that the program has for it, as the family adapts it. */
    private WeightSource renamed(String tensor, Tensor values) {
        var all = new LinkedHashMap<String, Weights>();
        boolean vector = values.rows() == 1 && values.cols() > 1;
        rule(tensor).ifPresent(rule -> {
            switch (rule) {
                case HuggingFaceNames.Rename r -> all.put(r.to(), values.named(r.to()));
                case HuggingFaceNames.Split s when !vector && s.rows() == values.rows() -> {
                    long from = 0;
                    for (HuggingFaceNames.Part p : s.parts()) {
                        all.put(p.to(), values.rows(p.to(), from, from + p.rows()));
                        from += p.rows();
                    }
                }
                case HuggingFaceNames.Split _ -> {
                    // it cannot be cut so
                }
            }
        });
        if (all.containsKey(OUTPUT) && !products.containsKey(OUTPUT)) {
            all.put(TABLE, all.remove(OUTPUT).named(TABLE));
        } else if (all.containsKey(OUTPUT)) {
            all.put(TABLE, values.named(TABLE)); // a checkpoint without a table would use the output matrix in its place
        }
        WeightSource plain = new Held(all);
        return model.family().map(f -> f.adapt(plain)).orElse(plain);
    }

    private static Optional<Weights> find(WeightSource source, String tensor) {
        try {
            return source.find(tensor);
        } catch (ModelLoadException | IllegalArgumentException | ArithmeticException _) {
            return Optional.empty(); // made of more, or otherwise, than adapters can follow
        }
    }

    /** Rows of a matrix in another order, or some of them; the same where nothing changes. */
    static Weights gathered(Weights w, int[] rows) {
        if (rows.length == w.rows() && IntStream.range(0, rows.length).allMatch(r -> rows[r] == r)) {
            return w;
        }
        var values = new float[Math.multiplyExact(rows.length, Math.toIntExact(w.cols()))];
        for (int r = 0; r < rows.length; r++) {
            w.decode(rows[r], 1, values, r * Math.toIntExact(w.cols()));
        }
        return floats(w.name(), values, rows.length, w.cols());
    }

    /** A tensor of floats in memory of its own. */
    static Tensor floats(String name, float[] values, long rows, long cols) {
        var data = Arena.ofAuto().allocate(DType.F32.bytes(values.length), Float.BYTES);
        for (int i = 0; i < values.length; i++) {
            data.setAtIndex(Magnitudes.FLOAT, i, values[i]);
        }
        return new Tensor(name, DType.F32, rows, cols, data);
    }

    /** Tensors that somebody else holds. */
    private record Held(Map<String, Weights> all) implements WeightSource {
        @Override
        public Set<String> names() {
            return all.keySet();
        }

        @Override
        public Optional<Weights> find(String name) {
            return Optional.ofNullable(all.get(name));
        }

        @Override
        public void close() {
            // nothing is its own
        }
    }
}
