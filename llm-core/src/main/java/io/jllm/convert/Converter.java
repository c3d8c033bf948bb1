package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.json.FileErrors;
import io.jllm.model.Architecture;
import io.jllm.quant.DType;
import io.jllm.quant.FormatException;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * Writes models as GGUF files, quantised or not: from a Hugging Face folder, or from another GGUF file.
 *
 * <p>Which tensor gets which format is llama-quantize's choice (llama.cpp, {@code llama_tensor_get_type}): norms and biases stay
 * F32; of the matrices, the output matrix (the embedding table where the two are tied) is written in Q6_K where less is asked for, and
 * with Q2_K the value, output and down projections of each layer in Q3_K (llama-quantize writes a value projection in Q4_K where four
 * heads or more share one, which is not written here), unless {@link Options#pure} is set. Q3_K is what
 * llama-quantize calls Q3_K_S. Where the rows of a matrix do not fill the blocks of its format, Q6_K becomes Q8_0, Q2_K and Q3_K
 * become Q4_0, and what does not fit that either F16, and {@link Progress#note} says so. Tensors that have the wanted format already are
 * copied.
 *
 * <p>A GGUF file keeps its metadata, and may be of any family. One that is quantised already can be quantised again, which
 * llama-quantize refuses unless told to: it is decoded first, so that the losses add up.
 *
 * <p>Memory stays small whatever the model's size: tensors pass through in pieces of a megabyte.
 */
public final class Converter {
    /** Numbers of the formats in {@code general.file_type}: llama.cpp's {@code llama_ftype}. */
    private static final Map<DType, Integer> FILE_TYPES = fileTypes();

    private static final int MAX_THREADS = 256;

    private Converter() {
    }

    /** The formats that can be written. */
    public static List<DType> types() {
        return List.copyOf(FILE_TYPES.keySet());
    }

    /** Told what happens, on the thread that called {@link #convert}. */
    @FunctionalInterface
    public interface Progress {
        /** Tells nobody. */
        Progress NONE = (tensor, done, total) -> { };

        /**
         * A tensor is written.
         *
         * @param tensor its name
         * @param bytesDone bytes of tensor data written so far
         * @param bytesTotal bytes of tensor data in all
         */
        void written(String tensor, long bytesDone, long bytesTotal);

        /**
         * Something is done in another way than asked for. Does nothing by default.
         *
         * @param message one line for people
         */
        default void note(String message) {
        }
    }

    /**
     * How to convert.
     *
     * @param type the format of matrices, one of {@link #types}
     * @param pure whether all matrices get that format, where their rows fill its blocks
     * @param threads threads that quantise, 1 to 256
     * @param texts metadata to add or replace: keys as {@code general.name} and {@code general.license}, with their texts
     */
    public record Options(DType type, boolean pure, int threads, Map<String, String> texts) {
        /**
         * Checks the ranges.
         *
         * @throws IllegalArgumentException if the format cannot be written, or the threads are out of range
         */
        public Options {
            if (!FILE_TYPES.containsKey(type)) {
                throw new IllegalArgumentException("models cannot be written as " + type + "; supported are " + types().stream()
                        .map(DType::name).collect(Collectors.joining(", ")));
            }
            if (threads < 1 || threads > MAX_THREADS) {
                throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ", was " + threads);
            }
            texts = Collections.unmodifiableMap(new LinkedHashMap<>(texts)); // in order, so that equal calls write equal files
        }

        /** That format, mixed as llama-quantize mixes it, on all cores. */
        public static Options of(DType type) {
            return new Options(type, false, Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_THREADS), Map.of());
        }

        /** With all matrices in one format, or mixed. */
        public Options pure(boolean value) {
            return new Options(type, value, threads, texts);
        }

        /** With a metadata text. */
        public Options text(String key, String value) {
            var more = new LinkedHashMap<>(texts);
            more.put(key, value);
            return new Options(type, pure, threads, more);
        }
    }

    /**
     * Converts a model. The file appears under its name when it is whole, replacing what was there; nothing is left behind on
     * failure. Safe to call from many threads.
     *
     * @param model a Hugging Face folder or a GGUF file; of a model in several files the first
     * @param out the GGUF file to write; its folder must exist
     * @throws ModelLoadException if the model cannot be read or converted; the message says why
     * @throws IOException if writing fails, or the calling thread is interrupted
     * @throws IllegalArgumentException if {@code out} is the model itself, or a part of it
     */
    public static void convert(Path model, Path out, Options options, Progress progress) throws IOException {
        convert(model, out, options, progress, List.of());
    }

    /**
     * As {@link #convert(Path, Path, Options, Progress)}, of more families.
     *
     * @param families others than those that are known here; of families of one name these count
     */
    public static void convert(Path model, Path out, Options options, Progress progress, List<Architecture> families) throws IOException {
        var folder = out.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(out)) {
            throw new IOException("cannot write " + out + ": " + (Files.isDirectory(out) ? "it is a folder" : "its folder does not exist"));
        }
        try (var source = open(model, out, families, progress);
                ExecutorService pool = Executors.newFixedThreadPool(options.threads(),
                        Thread.ofPlatform().name("jllm-convert-", 0).daemon().factory())) {
            GgufWriter.write(out, metadata(source, options), entries(source, options, pool, progress), progress::written);
        } catch (InternalError e) {
            if (FileErrors.isLost(e)) {
                throw FileErrors.lost(model, e);
            }
            throw e;
        }
    }

    private static Checkpoint open(Path model, Path out, List<Architecture> families, Progress progress) {
        try {
            return Files.isDirectory(model) ? HuggingFaceCheckpoint.open(model, families, progress) : GgufCheckpoint.open(model, out);
        } catch (IOException e) {
            throw FileErrors.of(model, e);
        } catch (ClosedFileSystemException e) {
            throw FileErrors.of(model, e);
        } catch (FormatException e) {
            throw new ModelLoadException(e.getMessage(), e);
        }
    }

    private static Map<String, GgufValue> metadata(Checkpoint source, Options options) {
        var metadata = new LinkedHashMap<>(source.metadata());
        options.texts().forEach((key, text) -> metadata.put(key, new GgufValue.Text(text)));
        metadata.put("general.quantization_version", new GgufValue.Int(GgufValue.Type.UINT32, 2));
        metadata.put("general.file_type", new GgufValue.Int(GgufValue.Type.UINT32, FILE_TYPES.get(options.type())));
        return metadata;
    }

    private static List<GgufWriter.TensorEntry> entries(Checkpoint source, Options options, ExecutorService pool, Progress progress) {
        boolean tied = source.tensors().stream().noneMatch(t -> t.name().equals("output.weight"));
        var choice = new TypeChoice(options.type(), options.pure(), tied);
        var entries = new ArrayList<GgufWriter.TensorEntry>();
        for (var t : source.tensors()) {
            var type = choice.of(t, progress);
            entries.add(new GgufWriter.TensorEntry(t.name(), type, t.shape(),
                    channel -> new TensorCopy(t, type).write(channel, pool, options.threads())));
        }
        return entries;
    }

    private static Map<DType, Integer> fileTypes() {
        var ids = new LinkedHashMap<DType, Integer>();
        ids.put(DType.F32, 0);
        ids.put(DType.F16, 1);
        ids.put(DType.BF16, 32);
        ids.put(DType.Q8_0, 7);
        ids.put(DType.Q6_K, 18);
        ids.put(DType.Q5_1, 9);
        ids.put(DType.Q5_0, 8);
        ids.put(DType.Q4_1, 3);
        ids.put(DType.Q4_0, 2);
        ids.put(DType.Q3_K, 11); // the file type Q3_K_S
        ids.put(DType.Q2_K, 10);
        return ids;
    }
}
