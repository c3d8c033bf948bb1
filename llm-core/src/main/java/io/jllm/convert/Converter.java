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

/**
 * Writes models as GGUF files, quantised or not: from a Hugging Face folder, or from another GGUF file.
 *
 * <p>Which tensor gets which format is llama-quantize's choice (llama.cpp, {@code llama_tensor_get_type}): norms and biases stay
 * F32; of the matrices, the output matrix (the embedding table where the two are tied) is written in Q6_K where less is asked for, and matrices
 * that suffer most from few bits get more of them, as the {@link FileType} says, unless {@link Options#pure} is set; {@link Options#tensorTypes}
 * says otherwise for some. Where the rows of a matrix do not fill the blocks of its format, it gets one of blocks of 32 values with about as many
 * bits (Q8_0 for Q6_K, Q5_1 for Q5_K, Q5_0 for Q4_K, IQ4_NL for IQ4_XS, Q4_0 for those with fewer), and what does not fit that either F16, and
 * {@link Progress#note} says so. Tensors that have the wanted format already are copied. Experts in MXFP4 stay so in mixes.
 *
 * <p>A GGUF file keeps its metadata, and may be of any family. One that is quantised already can be quantised again, which
 * llama-quantize refuses unless told to: it is decoded first, so that the losses add up.
 *
 * <p>Memory stays small whatever the model's size: tensors pass through in pieces of a megabyte.
 */
public final class Converter {
    private static final int MAX_THREADS = 256;

    private Converter() {
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
     * @param type what the file is written as, one of {@link FileType#all}
     * @param pure whether all matrices get the format of that, where their rows fill its blocks
     * @param threads threads that quantise, 1 to 256
     * @param texts metadata to add or replace: keys as {@code general.name} and {@code general.license}, with their texts
     * @param tensorTypes other formats for some tensors, the first that fits; they count where the file type is quantised
     * @param importance how much columns count; {@link ImportanceMatrix#NONE} if alike
     */
    public record Options(FileType type, boolean pure, int threads, Map<String, String> texts, List<TensorType> tensorTypes,
            ImportanceMatrix importance) {
        /**
         * Checks the ranges.
         *
         * @throws IllegalArgumentException if the format cannot be written, or the threads are out of range
         */
        public Options {
            if (!FileType.all().contains(type)) {
                throw new IllegalArgumentException("models cannot be written as " + type + "; supported are " + FileType.all());
            }
            if (threads < 1 || threads > MAX_THREADS) {
                throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ", was " + threads);
            }
            texts = Collections.unmodifiableMap(new LinkedHashMap<>(texts)); // in order, so that equal calls write equal files
            tensorTypes = List.copyOf(tensorTypes);
        }

        /** As that type, mixed as llama-quantize mixes it, on all cores. */
        public static Options of(FileType type) {
            int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_THREADS);
            return new Options(type, false, threads, Map.of(), List.of(), ImportanceMatrix.NONE);
        }

        /**
         * As {@link FileType#of} that format.
         *
         * @throws IllegalArgumentException if no file can be written so
         */
        public static Options of(DType type) {
            return of(FileType.of(type));
        }

        /** With all matrices in one format, or mixed. */
        public Options pure(boolean value) {
            return new Options(type, value, threads, texts, tensorTypes, importance);
        }

        /** With so many threads. */
        public Options threads(int value) {
            return new Options(type, pure, value, texts, tensorTypes, importance);
        }

        /** With a metadata text. */
        public Options text(String key, String value) {
            var more = new LinkedHashMap<>(texts);
            more.put(key, value);
            return new Options(type, pure, threads, more, tensorTypes, importance);
        }

        /** With other formats for some tensors. */
        public Options tensorTypes(List<TensorType> value) {
            return new Options(type, pure, threads, texts, value, importance);
        }

        /** With importances of columns. */
        public Options importance(ImportanceMatrix value) {
            return new Options(type, pure, threads, texts, tensorTypes, value);
        }
    }

    /**
     * Converts a model. The file appears under its name when it is whole, replacing what was there; nothing is left behind on
     * failure. Where the JVM is killed in the middle or the disk is full, {@code .NAME.part} stays beside the file, and the same conversion
     * goes on from there: the bytes are the same in the end. Safe to call from many threads, for files of different names.
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
            GgufWriter.resume(out, SourceStamp.of(model, options.importance()), metadata(source, options), entries(source, options, pool, progress),
                    progress::written);
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
        metadata.put("general.file_type", new GgufValue.Int(GgufValue.Type.UINT32, options.type().number()));
        if (!options.importance().isEmpty()) {
            describe(options.importance(), metadata);
        }
        return metadata;
    }

    /** What was quantised with: keys of llama-quantize. */
    private static void describe(ImportanceMatrix matrix, Map<String, GgufValue> metadata) {
        metadata.put("quantize.imatrix.file", new GgufValue.Text(matrix.file()));
        matrix.datasets().stream().findFirst().ifPresent(text -> metadata.put("quantize.imatrix.dataset", new GgufValue.Text(text)));
        metadata.put("quantize.imatrix.entries_count", new GgufValue.Int(GgufValue.Type.UINT32, matrix.names().size()));
        if (matrix.chunks() > 0) {
            metadata.put("quantize.imatrix.chunks_count", new GgufValue.Int(GgufValue.Type.UINT32, matrix.chunks()));
        }
    }

    private static List<GgufWriter.TensorEntry> entries(Checkpoint source, Options options, ExecutorService pool, Progress progress) {
        var types = TypeChoice.of(source, options, progress);
        var entries = new ArrayList<GgufWriter.TensorEntry>();
        for (var t : source.tensors()) {
            var type = types.get(t.name());
            var importance = type == t.type() ? new float[0] : Importances.of(t, type, options, progress);
            entries.add(new GgufWriter.TensorEntry(t.name(), type, t.shape(),
                    channel -> new TensorCopy(t, type, importance).write(channel, pool, options.threads())));
        }
        return entries;
    }
}
