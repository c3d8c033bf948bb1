package io.jllm.convert.packed;

import io.jllm.ModelLoadException;
import io.jllm.convert.packed.algebra.Parallel;
import io.jllm.convert.packed.layer.Expert;
import io.jllm.convert.packed.layer.ExpertStage;
import io.jllm.convert.packed.layer.HiddenFile;
import io.jllm.convert.packed.layer.Layer;
import io.jllm.convert.packed.layer.LayerRunner;
import io.jllm.convert.packed.layer.Linear;
import io.jllm.convert.packed.layer.Overlay;
import io.jllm.convert.packed.solve.WeightRows;
import io.jllm.json.FileErrors;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.safetensors.GroupNumbers;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.spi.Backend;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Quantises the matrices of a Hugging Face folder's layers, and writes a folder that gptqmodel, AutoAWQ, transformers, vLLM and this library
 * read: GPTQ's or AWQ's packed tensors, all others as they were, {@code config.json} with a {@code quantization_config}, and the files of the
 * tokenizer. Of mixtures of experts, each expert's matrices are quantised by the inputs of the tokens that chose it; what chooses stays as it was.
 *
 * <p>Layer after layer: what a layer is given for all of a text lies in a file, and is all that is kept of those before. So memory has room
 * for one layer in F32, the mean squares of the inputs of a product (16 bytes for each pair of columns, at most), and little else. Whole layers
 * stay in the folder {@code .NAME.part} beside the result when the JVM is killed, and the same call goes on from there, to the same bytes.
 */
public final class FolderQuantizer {
    private static final int MAX_THREADS = 256;
    private static final int MIN_CHUNK = 16;

    private FolderQuantizer() {
    }

    /** Told what happens, on the calling thread. */
    @FunctionalInterface
    public interface Progress {
        /** Tells nobody. */
        Progress NONE = share -> { };

        /** So much of the whole is done, from 0 to 1. */
        void at(double share);

        /** Something that whoever asked should know, as that experts got too few tokens; by default nobody is told. */
        default void note(String message) {
            // whoever wants it takes it
        }
    }

    /**
     * What the inputs of layers are measured on.
     *
     * @param content it is tokenised as a whole, and cut into chunks of equal size, the last, shorter one left out; where the model wants a
     *     beginning-of-sequence token, it replaces the first of each chunk
     * @param chunk tokens a chunk, at least 16; 0 for 512, or the model's context where that is less
     * @param most chunks at most, from the start; 0 for all
     */
    public record Text(String content, int chunk, int most) {
        /** None, for methods that need none. */
        public static final Text NONE = new Text("", 0, 0);

        /** Checks the ranges. */
        public Text {
            if (chunk != 0 && chunk < MIN_CHUNK) {
                throw new IllegalArgumentException("a chunk must have at least " + MIN_CHUNK + " tokens, had " + chunk);
            }
            if (most < 0) {
                throw new IllegalArgumentException("the number of chunks must be at least 0, which means all, was " + most);
            }
        }
    }

    /**
     * Quantises.
     *
     * @param folder a Hugging Face folder of floats
     * @param out the folder to write, which must not be there, or be empty; it appears when it is whole
     * @param text may be {@link Text#NONE} for {@link PackMethod.Nearest}
     * @param backend computes the inputs; it stays open
     * @param threads that quantise, 1 to 256
     * @throws ModelLoadException if the model cannot be read, run or quantised so; the message says why
     * @throws IllegalArgumentException if the text is too short, or a chunk longer than the model's context
     * @throws IOException if writing fails, or the calling thread is interrupted
     */
    public static void quantize(Path folder, Path out, PackMethod method, Text text, Backend backend, int threads, Progress progress)
            throws IOException {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ", was " + threads);
        }
        if (!Files.isDirectory(folder)) {
            throw new ModelLoadException(folder + " is no Hugging Face folder: those of GPTQ and AWQ are made of one, with its config.json, tensors "
                    + "and tokenizer" + (Files.exists(folder) ? "; of a GGUF file, other GGUF files are made, by --type" : ""));
        }
        var config = new FolderConfig(folder);
        try (var work = WorkFolder.open(folder, out, method, text); LoadedModel model = ModelFiles.open(folder);
                var parallel = new Parallel(threads)) {
            HuggingFaceWeights checkpoint = model.checkpoint().orElseThrow();
            List<Layer> parts = Layer.of(model.program());
            long weights = check(parts, model, checkpoint, method);
            int[][] texts = method instanceof PackMethod.Nearest ? new int[1][1] : Chunks.of(model, folder, text);
            var context = new PackContext(model, checkpoint, new LayerRunner(backend, model.program(), texts), parallel,
                    new Meter(weights, progress::at), progress::note);
            quantize(parts, packer(method, context), context, work);
            config.write(work.result(), method, work.layers(parts.size() - 1), checkpoint);
            work.finish();
        } catch (InternalError e) {
            if (FileErrors.isLost(e)) {
                throw FileErrors.lost(folder, e);
            }
            throw e;
        }
    }

    private static LayerPacker packer(PackMethod method, PackContext context) {
        return switch (method) {
            case PackMethod.Nearest m -> new NearestPacker(m, context);
            case PackMethod.Gptq m -> new GptqPacker(m, context);
            case PackMethod.Awq m -> new AwqPacker(m, context);
        };
    }

    private static void quantize(List<Layer> parts, LayerPacker packer, PackContext context, WorkFolder work) throws IOException {
        var weights = context.model().weights();
        int layers = parts.size() - 1;
        int done = work.done(layers);
        for (int l = 0; l < done; l++) {
            context.meter().add(weights(parts.get(l + 1), context));
        }
        if (packer.wantsText() && done == 0) {
            HiddenFile.write(work.inputs(0), parts.getFirst().out().width(), taker -> context.runner().embed(parts.getFirst(), weights, taker));
        }
        for (int l = done; l < layers; l++) {
            Layer layer = parts.get(l + 1);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment inputs = packer.wantsText() ? HiddenFile.map(work.inputs(l), arena) : MemorySegment.NULL;
                LayerPacker.Packed packed = packer.pack(layer, inputs, arena);
                if (packer.wantsText() && l + 1 < layers) {
                    var quantised = new Overlay(weights, packed.values());
                    HiddenFile.write(work.inputs(l + 1), layer.out().width(),
                            taker -> context.runner().run(layer, inputs, layer.out(), quantised, taker));
                }
                work.add(l, packed.tensors());
            }
            Files.deleteIfExists(work.inputs(l)); // which the next call would not ask for again
        }
    }

    private static long weights(Layer layer, PackContext context) {
        return layer.stages().stream().flatMap(s -> context.modules(s).stream()).mapToLong(m -> (long) m.rows() * m.cols()).sum()
                + layer.expertStages().stream().mapToLong(PackContext::weights).sum();
    }

    /** Refuses what cannot be packed before anything is computed. Returns how many weights there are. */
    private static long check(List<Layer> parts, LoadedModel model, HuggingFaceWeights checkpoint, PackMethod method) {
        checkpoint.stored(); // all of which are copied
        long weights = 0;
        for (Layer layer : parts.subList(1, parts.size())) {
            for (Linear m : layer.stages().stream().flatMap(s -> Linear.of(s, model, checkpoint).stream()).toList()) {
                weights += check(m.name(), m, method);
            }
            for (ExpertStage stage : layer.expertStages()) {
                checkExperts(method);
                for (int e = 0; e < stage.experts(); e++) {
                    for (Expert m : stage.modules(e, model, checkpoint)) {
                        weights += check(m.name(), m, method);
                    }
                }
            }
        }
        return weights;
    }

    private static void checkExperts(PackMethod method) {
        switch (method) {
            case PackMethod.Awq _ -> throw new ModelLoadException("the model has experts, of which AWQ is not made here: --method gptq is, and "
                    + "--type Q4_K_M and others are");
            case PackMethod.Gptq m when m.actOrder() && !m.staticGroups() -> throw new ModelLoadException("the model has experts, whose columns "
                    + "--act-order would leave in an order of each one's own: give --static-groups with it, or leave it out");
            case PackMethod.Gptq _, PackMethod.Nearest _ -> { }
        }
    }

    /** Refuses a matrix that cannot be packed; returns how many weights it has. */
    private static long check(String name, WeightRows m, PackMethod method) {
        boolean awq = method instanceof PackMethod.Awq;
        int rows = awq ? GroupNumbers.AWQ_WORD : GroupNumbers.WORD;
        int cols = awq ? 1 : GroupNumbers.WORD;
        if (m.rows() % rows != 0 || m.cols() % cols != 0) {
            throw new ModelLoadException("matrix " + name + " has " + m.rows() + " rows of " + m.cols() + " weights; packed words need "
                    + "multiples of " + rows + (cols > 1 ? " and " + cols : "") + ": --type Q8_0 and others do not");
        }
        if (m.cols() % PackContext.size(method.groupSize(), m.cols()) != 0) {
            throw new ModelLoadException("matrix " + name + " has rows of " + m.cols() + " weights, which groups of "
                    + method.groupSize() + " do not fill: give a group size that divides it, as 128, 64 or 32, or -1 for whole rows");
        }
        return (long) m.rows() * m.cols();
    }
}
