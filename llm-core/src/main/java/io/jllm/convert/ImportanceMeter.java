package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufWriter;
import io.jllm.spi.Backend;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.StepBatch;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Measures on a text how much the columns of a model's matrices count, and writes that as an importance matrix, which
 * {@link ImportanceMatrix#read} and llama-quantize read. The protocol is llama-imatrix's: the whole text is tokenised with its
 * beginning-of-sequence token and cut into chunks of equal size, the last, shorter one left out; where the model wants that token, it replaces
 * the first of each chunk; all tokens of each count. Source: llama.cpp ({@code tools/imatrix}).
 *
 * <p>What is left out, as there: the embedding table, and the output matrix unless it is asked for. Besides, matrices of compressed attention
 * that each head has a part of; these are then quantised as if all their columns counted alike.
 */
public final class ImportanceMeter {
    private static final int BLOCK = 16;
    /** Few, for each wants a row of logits, so that nothing of the last layer is left out. */
    private static final int STEP = 128;
    private static final int MIN_CHUNK = 16;

    private ImportanceMeter() {
    }

    /** Told of each chunk that has been computed, on the calling thread. */
    @FunctionalInterface
    public interface Progress {
        /** Tells nobody. */
        Progress NONE = (done, total) -> { };

        /** So many chunks of all are done. */
        void done(int chunks, int total);
    }

    /**
     * How to measure.
     *
     * @param chunk tokens a chunk, at least 16; 512 as a rule
     * @param most chunks at most, from the start of the text; 0 for all
     * @param output whether the output matrix is measured too
     * @param dataset what the text is called in the file
     */
    public record Options(int chunk, int most, boolean output, String dataset) {
        /** Checks the ranges. */
        public Options {
            if (chunk < MIN_CHUNK) {
                throw new IllegalArgumentException("a chunk must have at least " + MIN_CHUNK + " tokens, had " + chunk);
            }
            if (most < 0) {
                throw new IllegalArgumentException("the number of chunks must be at least 0, which means all, was " + most);
            }
        }

        /** All of a text in chunks of 512. */
        public static Options of(String dataset) {
            return new Options(512, 0, false, dataset);
        }
    }

    /**
     * Measures, and writes the file, which appears under its name when it is whole.
     *
     * @param path the model: a Hugging Face folder or a GGUF file
     * @param backend one that tells of activations, as the CPU's does; it stays open
     * @param out the file to write; its folder must exist
     * @throws ModelLoadException if the model cannot be read, has no tokenizer, or cannot run on the backend
     * @throws IllegalArgumentException if the text has fewer tokens than two chunks, or a chunk more than the model can take
     * @throws IOException if writing fails
     */
    public static void measure(Path path, String text, Backend backend, Path out, Options options, Progress progress) throws IOException {
        GgufWriter.check(out);
        try (LoadedModel model = ModelFiles.open(path)) {
            Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new ModelLoadException(path + " has no tokenizer: a text cannot be read"));
            int[] tokens = tokenizer.encode(text, true, false);
            if (options.chunk > model.config().maxContext()) {
                throw new IllegalArgumentException("a chunk of " + options.chunk + " tokens is longer than the model's context, "
                        + model.config().maxContext());
            }
            if (tokens.length < 2 * options.chunk) {
                throw new IllegalArgumentException("chunks of " + options.chunk + " tokens need a text of at least " + 2 * options.chunk
                        + "; this one has " + tokens.length);
            }
            var problems = backend.unsupported(model.program(), model.weights());
            if (!problems.isEmpty()) {
                throw new ModelLoadException(path + " cannot run on the " + backend.name() + " backend: " + String.join("; ", problems));
            }
            int chunks = tokens.length / options.chunk;
            chunks = options.most == 0 ? chunks : Math.min(chunks, options.most);
            var sums = new InputSums(model.program(), options.output);
            int blocks = Math.ceilDiv(options.chunk, BLOCK);
            var sizes = new Backend.RunnerOptions(STEP, 1, STEP, BLOCK, blocks, 0, DType.F32);
            try (ModelRunner runner = backend.load(model.program(), model.weights(), sizes, sums)) {
                OptionalInt bos = tokenizer.addsBos() ? tokenizer.bos() : OptionalInt.empty();
                for (int c = 0; c < chunks; c++) {
                    int[] chunk = Arrays.copyOfRange(tokens, c * options.chunk, (c + 1) * options.chunk);
                    bos.ifPresent(id -> chunk[0] = id);
                    forward(runner, chunk, blocks);
                    progress.done(c + 1, chunks);
                }
            }
            sums.write(out, options.dataset, chunks, options.chunk);
        }
    }

    private static void forward(ModelRunner runner, int[] chunk, int blocks) {
        var batch = new StepBatch(STEP, 1, STEP, blocks);
        Arrays.setAll(batch.blockTable, block -> block);
        for (int from = 0; from < chunk.length; from += STEP) {
            int count = Math.min(STEP, chunk.length - from);
            batch.clear();
            batch.tokens = count;
            batch.sequences = 1;
            batch.logitRows = count;
            for (int t = 0; t < count; t++) {
                batch.tokenIds[t] = chunk[from + t];
                batch.positions[t] = from + t;
                batch.kvSlots[t] = from + t; // blocks stand in order
                batch.logitRow[t] = t;
            }
            batch.queryStart[1] = count;
            batch.contextLength[0] = from + count;
            batch.ropeLength[0] = chunk.length;
            runner.forward(batch);
        }
    }
}
