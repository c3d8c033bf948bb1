package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.load.LoadedModel;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Rounded;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A model's weights with an adapter merged into them, in the model's own type of floats. Safe for use by many threads. */
final class MergedWeights implements WeightSource {
    private final WeightSource source;
    private final Map<String, Weights> merged;

    private MergedWeights(WeightSource source, Map<String, Weights> merged) {
        this.source = source;
        this.merged = merged;
    }

    /** All that changes is computed here, and held in memory. */
    static MergedWeights of(Path path, LoadedModel model, Adapter adapter) {
        var program = new ProgramTensors(model);
        var merged = new HashMap<String, Weights>();
        WeightSource weights = model.weights();
        adapter.products().forEach((name, change) -> {
            if (program.table(name).isPresent()) {
                throw shared(path, name);
            }
            merged.put(name, matrix(path, weights.get(name), change, false));
            if (change.shift().length > 0) {
                String bias = program.product(name).orElseThrow().bias().orElseThrow(() -> new ModelLoadException(path + " adds to the outputs of "
                        + name + ", which has no bias that this could be merged into: load the adapter beside the model (LlmBuilder.adapter)"));
                merged.put(bias, sum(weights.get(bias), change.shift()));
            }
        });
        adapter.tables().forEach((name, change) -> {
            if (program.product(name).isPresent()) {
                throw shared(path, name);
            }
            merged.put(name, matrix(path, weights.get(name), change, true));
        });
        adapter.vectors().forEach((name, values) -> merged.put(name, ProgramTensors.floats(name, values, 1, values.length)));
        return new MergedWeights(weights, merged);
    }

    private static ModelLoadException shared(Path path, String name) {
        return new ModelLoadException(path + " changes " + name + ", which is both embedding table and output matrix, in one of these roles: it"
                + " cannot be merged; load it beside the model (LlmBuilder.adapter)");
    }

    private static Weights sum(Weights bias, float[] shift) {
        float[] values = Magnitudes.values(bias);
        for (int i = 0; i < values.length; i++) {
            values[i] += shift[i];
        }
        return ProgramTensors.floats(bias.name(), values, 1, values.length);
    }

    private static Weights matrix(Path path, Weights base, Change change, boolean table) {
        DType type = Rounded.apart(base).stored().filter(t -> !t.isQuantized()).filter(t -> Encoder.of(t).isPresent())
                .orElseThrow(() -> new ModelLoadException(path + " cannot be merged into the tensor " + base.name() + ", which is " + base.format()
                        + " and no float: load the adapter beside the model (LlmBuilder.adapter)"));
        Encoder encoder = Encoder.of(type).orElseThrow();
        Weights now = change.whole().orElse(base);
        int cols = Math.toIntExact(base.cols());
        int rows = Math.toIntExact(base.rows());
        var data = Arena.ofAuto().allocate(type.bytes((long) rows * cols), Long.BYTES);
        float[] down = change.lowRank().map(LowRank::down).map(Magnitudes::values).orElse(new float[0]);
        float[] up = change.lowRank().map(LowRank::up).map(Magnitudes::values).orElse(new float[0]);
        var row = new float[cols];
        for (int r = 0; r < rows; r++) {
            now.decode(r, 1, row, 0);
            int at = r;
            change.lowRank().ifPresent(low -> {
                if (table) {
                    Magnitudes.addToken(low, down, up, at, rows, row);
                } else {
                    Magnitudes.add(low, down, up, at, row);
                }
            });
            for (int c = 0; c < cols && change.gain().length > 0; c++) {
                row[c] *= change.gain()[table ? c : r];
            }
            encoder.encode(row, 0, cols, data, r * type.bytes(cols));
        }
        change.rows().ifPresent(replaced -> {
            for (int i = 0; i < replaced.numbers().length; i++) {
                replaced.values().decode(i, 1, row, 0);
                encoder.encode(row, 0, cols, data, replaced.numbers()[i] * type.bytes(cols));
            }
        });
        return new Tensor(base.name(), type, rows, cols, data);
    }

    @Override
    public Set<String> names() {
        return source.names();
    }

    @Override
    public Optional<Weights> find(String name) {
        return Optional.ofNullable(merged.get(name)).or(() -> source.find(name));
    }

    @Override
    public void close() {
        source.close();
    }
}
