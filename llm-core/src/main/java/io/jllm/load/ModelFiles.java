package io.jllm.load;

import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import io.jllm.json.ConfigJson;
import io.jllm.json.FileErrors;
import io.jllm.model.Architecture;
import io.jllm.model.ModelConfig;
import io.jllm.model.arch.Families;
import io.jllm.quant.FormatException;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.ScaledTensors;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.spi.OutOfMemory;
import io.jllm.tokenizer.Tokenizer;
import io.jllm.tokenizer.gguf.GgufTokenizers;
import io.jllm.json.EndIds;
import io.jllm.tokenizer.huggingface.HuggingFaceTokenizers;
import java.io.IOException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Opens the two forms in which models are kept: a GGUF file, or a Hugging Face folder with {@code config.json}, safetensors or PyTorch's
 * files, and {@code tokenizer.json} or another file of a tokenizer. Weights are mapped, not read, so that opening is quick.
 */
public final class ModelFiles {
    /** Named in descriptions, those that take the most bytes first. */
    private static final int MOST_FORMATS = 4;
    private static final Pattern PARTS_OF_FOLDERS = Pattern.compile(".*\\.(safetensors|json|bin)", Pattern.DOTALL);

    private ModelFiles() {
    }

    /**
     * Opens a model. Whether its tensors fit its configuration is for {@link io.jllm.spi.Backend#unsupported} to say, whether it has
     * a tokenizer that is known here for {@link LoadedModel#tokenizer}.
     *
     * <p>What the files only suggest, and cannot be used, is left out with a warning: sampling settings, end tokens, an absurd context.
     *
     * @param path a GGUF file, of a model in several files the first, or a Hugging Face folder
     * @return the open model, which the caller closes
     * @throws ModelLoadException if it is neither, cannot be read, is broken, or is of a kind that is not supported; the message
     *     says what to do
     */
    public static LoadedModel open(Path path) {
        return open(path, List.of());
    }

    /**
     * As {@link #open(Path)}, of more families.
     *
     * @param families others than those that are known here; of families of one name these count
     */
    public static LoadedModel open(Path path, List<Architecture> families) {
        var all = Families.with(families);
        try {
            return Files.isDirectory(path) ? openFolder(path, all) : openGguf(path, all);
        } catch (IOException e) {
            throw FileErrors.of(path, e);
        } catch (ClosedFileSystemException e) {
            throw FileErrors.of(path, e);
        } catch (OutOfMemoryError e) {
            if (OutOfMemory.isHeap(e)) {
                throw FileErrors.of(path, e);
            }
            throw e;
        } catch (InternalError e) {
            if (FileErrors.isLost(e)) {
                throw FileErrors.lost(path, e);
            }
            throw e;
        } catch (FormatException e) {
            var name = String.valueOf(path.getFileName());
            var hint = !Files.isDirectory(path) && !e.getMessage().contains("give its folder") && PARTS_OF_FOLDERS.matcher(name).matches()
                    ? " (to load a Hugging Face model, give its folder)" : "";
            throw new ModelLoadException(e.getMessage() + hint, e);
        }
    }

    private static LoadedModel openGguf(Path path, List<Architecture> families) throws IOException {
        var file = GgufFile.open(path);
        try {
            var metadata = file.metadata();
            var unknown = file.tensorInfos().stream().filter(t -> t.type().isEmpty()).toList();
            if (!unknown.isEmpty()) {
                throw new ModelLoadException(path + ": " + unknown.size() + " tensors have types that this version does not know, as "
                        + unknown.getFirst().name() + ", of type " + unknown.getFirst().typeId());
            }
            var tensors = ScaledTensors.of(file);
            var read = GgufKeys.read(path.toString(), metadata, tensors, families);
            var defaults = SamplingDefaults.of(path.toString(), metadata);
            Optional<Supplier<Tokenizer>> tokenizer = metadata.entries().containsKey("tokenizer.ggml.tokens")
                    ? Optional.of(() -> GgufTokenizers.fromGguf(metadata)) : Optional.empty();
            var name = metadata.text("general.name").orElse(String.valueOf(path.getFileName()));
            var weights = read.model().adaptFile(tensors);
            var text = new TextParts(making(path, tokenizer), Background.done(ChatTemplates.fromGguf(metadata)),
                    () -> PoolingKind.of(path.toString(), metadata));
            return assemble(name, read.model().build(weights), weights, text, defaults, Set.of(), origin(read, Optional.empty()), true);
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }

    private static LoadedModel openFolder(Path folder, List<Architecture> families) throws IOException {
        var json = HuggingFaceQuantization.withOwnFile(ConfigJson.read(folder.resolve("config.json"))
                .orElseThrow(() -> FolderContents.noConfig(folder)), folder);
        var read = HuggingFaceFamily.read(json, families);
        var generation = ConfigJson.readSuggestions(folder.resolve("generation_config.json"));
        var defaults = generation.or(() -> Optional.of(json).filter(SamplingDefaults::samples)).map(SamplingDefaults::of)
                .orElse(SamplingParams.neutral());
        var checkpoint = HuggingFaceWeights.open(folder, read.model().names(), HuggingFaceQuantization.block(json),
                HuggingFaceQuantization.form(json));
        try {
            var weights = read.model().adapt(checkpoint);
            var built = read.model().build(weights);
            var eos = EndIds.of(generation, HuggingFaceFamily.endTokens(json), built.config().vocab());
            Optional<Supplier<Tokenizer>> tokenizer = HuggingFaceTokenizers.isIn(folder)
                    ? Optional.of(() -> HuggingFaceTokenizers.fromFolder(folder, eos)) : Optional.empty();
            var name = String.valueOf(folder.toRealPath().getFileName());
            var chat = Background.start("jllm-chat-template", () -> ChatTemplates.fromFolder(folder));
            var text = new TextParts(making(folder, tokenizer), chat, () -> PoolingKind.of(folder));
            return assemble(name, built, weights, text, defaults, eos, origin(read, Optional.of(checkpoint)),
                    !HuggingFaceFamily.hasNoOutput(json, weights));
        } catch (Throwable t) {
            checkpoint.close();
            throw t;
        }
    }

    /** Begins to make the tokenizer in a thread of its own: a large vocabulary takes a second. */
    private static Background<Optional<Tokenizer>> making(Path path, Optional<Supplier<Tokenizer>> maker) {
        if (maker.isEmpty()) {
            return Background.done(Optional.empty());
        }
        return Background.start("jllm-tokenizer", () -> Optional.of(made(path, maker.get())));
    }

    private static Tokenizer made(Path path, Supplier<Tokenizer> maker) {
        try {
            return maker.get();
        } catch (OutOfMemoryError e) {
            if (OutOfMemory.isHeap(e)) {
                throw FileErrors.of(path, e);
            }
            throw e;
        }
    }

    private static LoadedModel assemble(String name, Architecture.Built built, WeightSource weights, TextParts text,
                                        SamplingParams defaults, Set<Integer> eos, LoadedModel.Origin origin, boolean generates) {
        var description = name + ": " + describe(built.config(), weights);
        return new LoadedModel(built, weights, text, defaults, eos, description, origin, generates);
    }

    private static LoadedModel.Origin origin(FamilyModel read, Optional<HuggingFaceWeights> checkpoint) {
        return new LoadedModel.Origin(read.gguf(), checkpoint, Optional.of(read.model()));
    }

    private static String describe(ModelConfig config, WeightSource weights) {
        var tensors = weights.names().stream().map(weights::get).toList();
        long parameters = tensors.stream().mapToLong(t -> t.rows() * t.cols()).sum();
        long bytes = tensors.stream().mapToLong(Weights::bytes).sum();
        var formats = tensors.stream().collect(Collectors.groupingBy(Weights::format, Collectors.summingLong(Weights::bytes)));
        var names = formats.keySet().stream().sorted(Comparator.comparingLong((String f) -> -formats.get(f)).thenComparing(f -> f)).toList();
        int shown = Math.min(names.size(), MOST_FORMATS);
        var said = String.join(", ", names.subList(0, shown)) + (shown == names.size() ? "" : " and " + (names.size() - shown) + " more");
        return config.architecture() + ", " + scaled(parameters, 1000, "", "K", "M", "G", "T") + " parameters, "
                + scaled(bytes, 1024, " B", " KiB", " MiB", " GiB", " TiB") + " (" + said + "), context " + config.maxContext();
    }

    /** Three figures or more and a unit. */
    private static String scaled(long value, int step, String... units) {
        double v = value;
        int unit = 0;
        while (v >= step && unit < units.length - 1) {
            v /= step;
            unit++;
        }
        return unit == 0 ? value + units[0] : Math.round(v * 10) / 10.0 + units[unit];
    }
}
