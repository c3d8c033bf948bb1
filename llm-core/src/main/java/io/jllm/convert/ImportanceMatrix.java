package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.json.FileErrors;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How much errors of each column of a model's matrices count, as llama.cpp's {@code llama-imatrix} measures it: the mean square of what the
 * column is multiplied with, over some text. Quantising with one loses less of what the text needs. Immutable.
 *
 * <p>Both kinds of files are read: GGUF, and the older one ({@code .dat}).
 */
public final class ImportanceMatrix {
    /** All columns count alike. */
    public static final ImportanceMatrix NONE = new ImportanceMatrix("", List.of(), 0, Map.of());

    private static final String DATASETS = "imatrix.datasets";
    private static final String CHUNKS = "imatrix.chunk_count";
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";
    private static final int MAX_VALUES = 1 << 28;

    private final String file;
    private final List<String> datasets;
    private final long chunks;
    private final Map<String, float[]> columns;

    ImportanceMatrix(String file, List<String> datasets, long chunks, Map<String, float[]> columns) {
        this.file = file;
        this.datasets = List.copyOf(datasets);
        this.chunks = chunks;
        this.columns = columns;
        columns.forEach((name, values) -> check(file, name, values));
    }

    private static void check(String file, String name, float[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i]) || values[i] < 0) {
                throw new FormatException(file, "entry " + name, "has the importance " + values[i] + " for column " + i
                        + "; a mean of squares is finite and not below 0");
            }
        }
    }

    /**
     * Reads a file.
     *
     * @throws ModelLoadException if it cannot be read or is no importance matrix; the message says why
     */
    public static ImportanceMatrix read(Path path) {
        try {
            return LegacyImatrix.isGguf(path) ? gguf(path) : LegacyImatrix.read(path);
        } catch (IOException e) {
            throw FileErrors.of(path, e);
        } catch (FormatException e) {
            throw new ModelLoadException(e.getMessage(), e);
        }
    }

    private static ImportanceMatrix gguf(Path path) throws IOException {
        try (var in = GgufFile.open(path)) {
            var keys = in.metadata();
            if (!keys.entries().keySet().containsAll(List.of(DATASETS, CHUNKS, "imatrix.chunk_size"))) {
                throw new FormatException(path.toString(), "metadata", "has no imatrix.* keys: this GGUF file holds no importance matrix; "
                        + "give one that llama-imatrix wrote");
            }
            var columns = new LinkedHashMap<String, float[]>();
            for (var name : in.names()) {
                if (name.endsWith(SUMS)) {
                    var tensor = name.substring(0, name.length() - SUMS.length());
                    columns.put(tensor, means(path, in, tensor));
                }
            }
            return new ImportanceMatrix(path.toString(), keys.texts(DATASETS).orElseThrow(), keys.integer(CHUNKS).orElseThrow(), columns);
        } catch (FormatException e) {
            throw e;
        } catch (IllegalArgumentException e) { // a key of another kind than it should be
            throw new FormatException(path.toString(), "metadata", e.getMessage(), e);
        }
    }

    /** Sums of squares over how many rows were summed: experts have numbers of their own, and one that never ran counts all columns alike. */
    private static float[] means(Path path, GgufFile in, String name) {
        var means = floats(path, in, name + SUMS);
        var counts = floats(path, in, name + COUNTS);
        if (counts.length == 0 || means.length % counts.length != 0) {
            throw new FormatException(path.toString(), "entry " + name, "has " + means.length + " sums for " + counts.length
                    + " counts; there must be as many for each");
        }
        int each = means.length / counts.length;
        for (int expert = 0; expert < counts.length; expert++) {
            float count = Math.round(counts[expert]);
            for (int i = expert * each; i < (expert + 1) * each; i++) {
                means[i] = count > 0 ? means[i] / count : 1;
            }
        }
        return means;
    }

    private static float[] floats(Path path, GgufFile in, String name) {
        Tensor t = in.get(name);
        if (t.type() != DType.F32 || t.rows() * t.cols() > MAX_VALUES) {
            throw new FormatException(path.toString(), "tensor " + name, "is of type " + t.type() + " with " + t.rows() * t.cols()
                    + " values; it must be F32, with " + MAX_VALUES + " at most");
        }
        var values = new float[Math.toIntExact(t.rows() * t.cols())];
        t.decode(0, Math.toIntExact(t.rows()), values, 0);
        return values;
    }

    /** Whether all columns count alike. */
    public boolean isEmpty() {
        return columns.isEmpty();
    }

    /** The file that it was read from. */
    public String file() {
        return file;
    }

    /** The texts that it was measured on, as the file names them. */
    public List<String> datasets() {
        return datasets;
    }

    /** How many pieces of text it was measured on; 0 if the file does not say. */
    public long chunks() {
        return chunks;
    }

    /** The tensors that it knows, by their names in GGUF files. */
    public Set<String> names() {
        return Collections.unmodifiableSet(columns.keySet());
    }

    /** As {@link #of}, not to be changed. */
    Optional<float[]> find(String tensor) {
        return Optional.ofNullable(columns.get(tensor));
    }

    /** Importances for a tensor: one for each column, for several experts those of each in turn. */
    public Optional<float[]> of(String tensor) {
        return find(tensor).map(float[]::clone);
    }
}
