package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import io.jllm.adapter.Adapter;
import io.jllm.adapter.Change;
import io.jllm.adapter.LowRank;
import io.jllm.model.Op;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufMetadata;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * An adapter in a GGUF file: for a tensor its name with {@code .lora_a}, rank rows of inputs, and with {@code .lora_b}, a row for each
 * output; for an embedding table {@code .lora_a} has a row for each token. Source: {@code convert_lora_to_gguf.py} and
 * {@code llama-adapter.cpp} of llama.cpp.
 */
final class GgufAdapter {
    private static final String DOWN = ".lora_a";
    private static final String UP = ".lora_b";
    private static final String INVOCATION = "adapter.alora.invocation_tokens";

    private final Path path;
    private final GgufFile file;
    private final ProgramTensors model;
    private final double alpha;

    private GgufAdapter(Path path, GgufFile file, ProgramTensors model) {
        this.path = path;
        this.file = file;
        this.model = model;
        GgufMetadata said = file.metadata();
        String kind = said.text("adapter.type").orElse("missing");
        if (!kind.equals("lora")) {
            throw new ModelLoadException(path + ": adapter.type is " + kind + "; supported is lora");
        }
        if (said.entries().containsKey(INVOCATION)) {
            throw new ModelLoadException(path + " has " + INVOCATION + ": adapters that begin in the middle of a text (aLoRA) are not supported");
        }
        alpha = said.real("adapter.lora.alpha").orElse(0);
        if (!Double.isFinite(alpha)) {
            throw new ModelLoadException(path + ": adapter.lora.alpha is " + alpha + "; it must be a finite number");
        }
    }

    /** Whether a file says that it is one. */
    static boolean is(GgufFile file) {
        return file.metadata().text("general.type").filter("adapter"::equals).isPresent();
    }

    /**
     * Reads one.
     *
     * @throws ModelLoadException if it does not fit the model
     */
    static Adapter read(Path path, GgufFile file, ProgramTensors model) {
        return new GgufAdapter(path, file, model).read();
    }

    private Adapter read() {
        var products = new HashMap<String, Change>();
        var tables = new HashMap<String, Change>();
        var vectors = new HashMap<String, float[]>();
        for (String name : file.names()) {
            if (name.endsWith(DOWN)) {
                add(name.substring(0, name.length() - DOWN.length()), products, tables);
            } else if (name.endsWith(UP)) {
                tensor(name.substring(0, name.length() - UP.length()) + DOWN); // read with that one
            } else {
                vectors.put(name, vector(name));
            }
        }
        if (products.isEmpty() && tables.isEmpty() && vectors.isEmpty()) {
            throw new ModelLoadException(path + " changes nothing: it has no tensors");
        }
        return new Adapter(products, tables, vectors);
    }

    private Tensor tensor(String name) {
        return file.find(name).map(w -> file.tensor(name)).orElseThrow(() -> new ModelLoadException(path + " has no tensor " + name
                + ", which belongs to another that it has"));
    }

    private float[] vector(String name) {
        int length = model.vector(name).orElseThrow(() -> unknown(name));
        Tensor t = tensor(name);
        if (t.rows() * t.cols() != length) {
            throw new ModelLoadException(path + ": the tensor " + name + " has " + t.rows() * t.cols() + " numbers, the model's has " + length);
        }
        return Magnitudes.values(t);
    }

    private ModelLoadException unknown(String name) {
        String of = file.metadata().text("general.architecture").map(a -> " (the adapter is for the architecture " + a + ")").orElse("");
        return new ModelLoadException(path + ": the tensor " + name + " is no matrix, embedding table or norm of this model that adapters can change"
                + of + ". Is this the model that the adapter was trained on?");
    }

    private void add(String name, Map<String, Change> products, Map<String, Change> tables) {
        Tensor down = tensor(name + DOWN);
        Tensor up = tensor(name + UP);
        Optional<Op.Embed> table = model.table(name);
        if (table.isPresent()) {
            Op.Embed e = table.get();
            check(name, down.rows(), e.rows(), up.rows(), e.out().width(), down.cols(), up.cols());
            tables.put(name, Change.of(new LowRank(transposed(down), up, scale(up.cols()))));
            return;
        }
        ProgramTensors.Product p = model.product(name).orElseThrow(() -> unknown(name));
        check(name, down.cols(), p.cols(), up.rows(), p.rows(), down.rows(), up.cols());
        products.put(name, Change.of(new LowRank(down, ProgramTensors.gathered(up, model.ofFile(p)), scale(up.cols()))));
    }

    /** Where alpha is not said, nothing is scaled. */
    private float scale(long rank) {
        return alpha == 0 ? 1 : (float) (alpha / rank);
    }

    private void check(String name, long inputs, long wantedInputs, long outputs, long wantedOutputs, long rank, long sameRank) {
        if (inputs != wantedInputs || outputs != wantedOutputs || rank != sameRank) {
            throw new ModelLoadException(path + ": the change of " + name + " takes " + inputs + " inputs by " + rank + " and " + sameRank
                    + " numbers to " + outputs + " outputs, but the model's tensor has " + wantedInputs + " and " + wantedOutputs
                    + ": the adapter belongs to another model");
        }
    }

    private static Weights transposed(Tensor t) {
        float[] from = Magnitudes.values(t);
        int rows = Math.toIntExact(t.rows());
        int cols = Math.toIntExact(t.cols());
        var to = new float[from.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                to[c * rows + r] = from[r * cols + c];
            }
        }
        return ProgramTensors.floats(t.name(), to, cols, rows);
    }
}
