package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.adapter.ReplacedRows;
import io.jllm.adapter.file.PeftModule.Part;
import io.jllm.model.Op;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An adapter in the form of the peft library, and what it changes of a model. */
final class PeftAdapter {
    private final PeftFile file;
    private final PeftConfig config;
    private final ProgramTensors model;
    private final Map<String, Change> products = new HashMap<>();
    private final Map<String, Change> tables = new HashMap<>();
    private final Map<String, float[]> vectors = new HashMap<>();

    private PeftAdapter(PeftFile file, PeftConfig config, ProgramTensors model) {
        this.file = file;
        this.config = config;
        this.model = model;
    }

    /**
     * Reads one.
     *
     * @throws ModelLoadException if it does not fit the model
     */
    static Adapter read(PeftFile file, PeftConfig config, ProgramTensors model) {
        var read = new PeftAdapter(file, config, model);
        for (PeftModule m : file.modules()) {
            read.add(m);
        }
        if (read.products.isEmpty() && read.tables.isEmpty() && read.vectors.isEmpty()) {
            throw new ModelLoadException(file.path() + " changes nothing: it has no weights");
        }
        return new Adapter(read.products, read.tables, read.vectors);
    }

    private ModelLoadException wrong(PeftModule m, String problem) {
        return new ModelLoadException(file.path() + ": the module " + m.name() + " " + problem);
    }

    private ModelLoadException unknown(PeftModule m) {
        return wrong(m, "is no matrix, embedding table or norm of this model that adapters can change. Is this the model that the adapter was"
                + " trained on? Otherwise merge the adapter into it with peft, and load the result");
    }

    private void add(PeftModule m) {
        boolean lowRank = m.find(Part.DOWN, Part.UP, Part.UP_BIAS, Part.TABLE_DOWN, Part.TABLE_UP, Part.MAGNITUDE, Part.OLD_MAGNITUDE).isPresent();
        if (lowRank && !config.targets(m.name())) {
            throw wrong(m, "has weights of low rank, but is none of " + config.targets());
        }
        if (m.find(Part.TABLE_DOWN, Part.TABLE_UP).isPresent()) {
            adaptTable(m, lowRank(m, Part.TABLE_DOWN, Part.TABLE_UP));
        } else if (lowRank) {
            adaptProduct(m, lowRank(m, Part.DOWN, Part.UP));
        } else if (m.find(Part.TOKENS).isPresent()) {
            tokens(m, m.find(Part.TOKENS).get());
        } else {
            m.find(Part.WHOLE, Part.BASE).ifPresent(w -> whole(m, w));
        }
        m.find(Part.BASE_BIAS, Part.WHOLE_BIAS).ifPresent(bias -> bias(m, bias));
    }

    private LowRank lowRank(PeftModule m, Part downKind, Part upKind) {
        Tensor down = m.find(downKind).orElseThrow(() -> wrong(m, "has no tensor " + m.name() + downKind.end()));
        Tensor up = m.find(upKind).orElseThrow(() -> wrong(m, "has no tensor " + m.name() + upKind.end()));
        double rank = config.rank(m.name());
        if (down.rows() != up.cols() || down.rows() != rank) {
            throw wrong(m, "has matrices of " + down.rows() + " x " + down.cols() + " and " + up.rows() + " x " + up.cols()
                    + ", but by adapter_config.json its rank is " + (long) rank);
        }
        return new LowRank(down, up, config.scale(m.name()));
    }

    private Optional<Tensor> magnitude(PeftModule m) {
        Optional<Tensor> magnitude = m.find(Part.MAGNITUDE, Part.OLD_MAGNITUDE);
        if (magnitude.isPresent() != config.isDora()) {
            throw wrong(m, magnitude.isPresent() ? "has a magnitude, but use_dora is not true in adapter_config.json"
                    : "has no magnitude, but use_dora is true in adapter_config.json");
        }
        return magnitude;
    }

    /** A table's outputs are columns: they are never reordered. */
    private void adaptTable(PeftModule m, LowRank low) {
        Op.Embed table = model.named(m.name() + ".weight").flatMap(model::table).orElseThrow(() -> unknown(m));
        check(m, low.down().cols(), table.rows(), low.up().rows(), table.out().width());
        Change change = Change.of(low);
        Optional<Weights> base = m.find(Part.BASE).flatMap(w -> differing(m, w, table.table(), table.rows(), table.out().width()));
        change = base.isPresent() ? change.with(base.get()) : change;
        Optional<Tensor> magnitude = magnitude(m);
        if (magnitude.isPresent()) {
            float[] each = numbers(m, magnitude.get(), table.out().width());
            change = change.withGain(Magnitudes.ofColumns(base.orElseGet(() -> model.weights().get(table.table())), low, each));
        }
        tables.put(table.table(), change);
    }

    private void check(PeftModule m, long inputs, long wantedInputs, long outputs, long wantedOutputs) {
        if (inputs != wantedInputs || outputs != wantedOutputs) {
            throw wrong(m, "takes " + inputs + " inputs to " + outputs + " outputs, but the model's has " + wantedInputs + " and " + wantedOutputs
                    + ": the adapter belongs to another model, or to one with another vocabulary");
        }
    }

    private void adaptProduct(PeftModule m, LowRank low) {
        List<ProgramTensors.Part> parts = model.products(m.name(), low.up().rows());
        if (parts.isEmpty()) {
            model.named(m.name() + ".weight").flatMap(model::product)
                    .ifPresent(p -> check(m, low.down().cols(), p.cols(), low.up().rows(), p.rows()));
            throw unknown(m);
        }
        Optional<Tensor> magnitude = magnitude(m);
        Optional<float[]> shift = m.find(Part.UP_BIAS).map(b -> numbers(m, b, low.up().rows()));
        for (ProgramTensors.Part part : parts) {
            ProgramTensors.Product p = part.product();
            check(m, low.down().cols(), p.cols(), p.rows(), p.rows());
            var own = new LowRank(low.down(), ProgramTensors.gathered(low.up(), part.rows()), low.scale());
            Change change = Change.of(own);
            Optional<Weights> base = m.find(Part.BASE).flatMap(w -> differing(m, w, p.tensor(), p.rows(), p.cols()));
            change = base.isPresent() ? change.with(base.get()) : change;
            if (magnitude.isPresent()) {
                float[] each = gathered(numbers(m, magnitude.get(), low.up().rows()), part.rows(), 1);
                change = change.withGain(Magnitudes.ofRows(base.orElseGet(() -> model.weights().get(p.tensor())), own, each));
            }
            products.put(p.tensor(), shift.isPresent() ? change.withShift(gathered(shift.get(), part.rows(), low.scale())) : change);
        }
    }

    private float[] numbers(PeftModule m, Tensor t, long count) {
        if (t.rows() * t.cols() != count) {
            throw wrong(m, "has " + t.rows() * t.cols() + " numbers in " + t.name() + " for " + count + " outputs");
        }
        return Magnitudes.values(t);
    }

    private static float[] gathered(float[] numbers, int[] rows, float factor) {
        var out = new float[rows.length];
        for (int r = 0; r < rows.length; r++) {
            out[r] = factor * numbers[rows[r]];
        }
        return out;
    }

    /** A matrix that was saved beside its change, as peft does with those of the vocabulary: empty if it is the model's own. */
    private Optional<Weights> differing(PeftModule m, Tensor saved, String tensor, long rows, long cols) {
        Weights w = shaped(m, saved, tensor, rows, cols);
        return Likeness.same(w, model.weights().get(tensor)) ? Optional.empty() : Optional.of(w);
    }

    private Weights shaped(PeftModule m, Tensor saved, String tensor, long rows, long cols) {
        Weights w = model.whole(m.name() + ".weight", saved, tensor).orElseThrow(() -> unknown(m));
        if (w.rows() != rows || w.cols() != cols) {
            throw wrong(m, "is saved as " + w.rows() + " x " + w.cols() + ", the model's is " + rows + " x " + cols
                    + ": adapters for a vocabulary of another size must be merged with peft");
        }
        return w;
    }

    private void whole(PeftModule m, Tensor saved) {
        String tensor = model.named(m.name() + ".weight").orElseThrow(() -> unknown(m));
        Optional<ProgramTensors.Product> product = model.product(tensor);
        Optional<Op.Embed> table = model.table(tensor);
        boolean isTable = table.isPresent() && !model.isOutput(m.name());
        if (isTable) {
            differing(m, saved, tensor, table.get().rows(), table.get().out().width()).ifPresent(w -> tables.put(tensor, Change.of(w)));
        } else if (product.isPresent()) {
            differing(m, saved, tensor, product.get().rows(), product.get().cols()).ifPresent(w -> products.put(tensor, Change.of(w)));
        } else {
            vector(m, m.name() + ".weight", saved);
        }
    }

    private void vector(PeftModule m, String name, Tensor saved) {
        String tensor = model.named(name).orElseThrow(() -> unknown(m));
        int length = model.vector(tensor).orElseThrow(() -> unknown(m));
        float[] values = Magnitudes.values(model.whole(name, saved, tensor).orElseThrow(() -> unknown(m)));
        if (values.length != length) {
            throw wrong(m, "has " + values.length + " numbers, the model's has " + length);
        }
        vectors.put(tensor, values);
    }

    /** A bias that was trained takes the place of the model's: what is added is the difference. */
    private void bias(PeftModule m, Tensor saved) {
        if (model.named(m.name() + ".bias").flatMap(model::vector).isPresent()) {
            vector(m, m.name() + ".bias", saved);
            return;
        }
        float[] trained = numbers(m, saved, saved.rows() * saved.cols());
        List<ProgramTensors.Part> parts = model.products(m.name(), trained.length);
        if (parts.isEmpty()) {
            throw unknown(m);
        }
        for (ProgramTensors.Part part : parts) {
            float[] shift = gathered(trained, part.rows(), 1);
            String own = part.product().bias().orElseThrow(() -> wrong(m, "has a bias, but the model's has none"));
            float[] base = Magnitudes.values(model.weights().get(own));
            for (int r = 0; r < shift.length; r++) {
                shift[r] -= base[r];
            }
            products.merge(part.product().tensor(), Change.ofShift(shift), (now, _) -> now.withShift(sum(now.shift(), shift)));
        }
    }

    private static float[] sum(float[] a, float[] b) {
        if (a.length == 0) {
            return b;
        }
        float[] out = a.clone();
        for (int i = 0; i < out.length; i++) {
            out[i] += b[i];
        }
        return out;
    }

    /** Rows of tokens; where the output matrix is the embedding table, they are its rows too. */
    private void tokens(PeftModule m, Tensor rows) {
        int[] numbers = config.tokens(m.name());
        String tensor = model.named(m.name() + ".weight").orElseThrow(() -> unknown(m));
        Optional<Op.Embed> table = model.isOutput(m.name()) ? Optional.empty() : model.table(tensor);
        Optional<ProgramTensors.Product> product = model.product(tensor);
        long tokens = table.map(t -> (long) t.rows()).or(() -> product.map(p -> (long) p.rows())).orElseThrow(() -> unknown(m));
        long width = table.map(t -> (long) t.out().width()).or(() -> product.map(p -> (long) p.cols())).orElseThrow();
        if (rows.rows() != numbers.length || rows.cols() != width) {
            throw wrong(m, "has " + rows.rows() + " x " + rows.cols() + " numbers for " + numbers.length + " tokens of " + width);
        }
        if (Arrays.stream(numbers).anyMatch(t -> t < 0 || t >= tokens) || Arrays.stream(numbers).distinct().count() < numbers.length) {
            throw wrong(m, "has rows for the tokens " + Arrays.toString(numbers) + "; they must differ and be from 0 to " + (tokens - 1));
        }
        Change change = Change.of(new ReplacedRows(numbers, rows));
        table.ifPresent(_ -> tables.put(tensor, change));
        product.ifPresent(_ -> products.put(tensor, change));
    }
}
