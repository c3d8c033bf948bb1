package io.jllm.model;

import io.jllm.ModelLoadException;
import io.jllm.SamplingParams;
import io.jllm.model.source.ConfigJson;
import io.jllm.model.source.GgufConfig;
import io.jllm.model.source.HuggingFaceConfig;
import io.jllm.model.source.SamplingDefaults;
import io.jllm.quant.FormatException;
import io.jllm.quant.WeightSource;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.tokenizer.GgufTokenizers;
import io.jllm.tokenizer.HuggingFaceTokenizers;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Opens the two forms in which models are kept: a GGUF file, or a Hugging Face folder with {@code config.json}, safetensors and
 * {@code tokenizer.json}. Weights are mapped, not read, so that opening is quick.
 */
public final class ModelFiles {
    private static final String EMBEDDINGS = "token_embd.weight";
    private static final String OUTPUT = "output.weight";

    private ModelFiles() {
    }

    /**
     * Opens a model. Whether its tensors fit its configuration is for {@link io.jllm.spi.Backend#unsupported} to say, whether it has
     * a tokenizer that is known here for {@link LoadedModel#tokenizer}.
     *
     * @param path a GGUF file or a Hugging Face folder
     * @return the open model, which the caller closes
     * @throws ModelLoadException if it is neither, cannot be read, is broken, or is of a kind that is not supported; the message
     *     says what to do
     */
    public static LoadedModel open(Path path) {
        try {
            if (Files.isDirectory(path)) {
                return openFolder(path);
            }
            if (Files.exists(path) && !Files.isRegularFile(path)) {
                throw new ModelLoadException(path + " is neither a file nor a folder");
            }
            return openGguf(path);
        } catch (NoSuchFileException e) {
            throw new ModelLoadException("there is no file " + e.getFile() + ": give a GGUF file or a Hugging Face model folder", e);
        } catch (IOException e) {
            throw new ModelLoadException("cannot read " + path + ": " + e, e);
        } catch (FormatException e) {
            var name = String.valueOf(path.getFileName());
            var hint = name.endsWith(".safetensors") || name.endsWith(".json") || name.endsWith(".bin")
                    ? " (to load a Hugging Face model, give its folder)" : "";
            throw new ModelLoadException(e.getMessage() + hint, e);
        }
    }

    private static LoadedModel openGguf(Path path) throws IOException {
        var file = GgufFile.open(path);
        try {
            var metadata = file.metadata();
            var unknown = file.tensorInfos().stream().filter(t -> t.type().isEmpty()).toList();
            if (!unknown.isEmpty()) {
                throw new ModelLoadException(path + ": " + unknown.size() + " tensors have types that this version does not know, as "
                        + unknown.getFirst().name() + ", of type " + unknown.getFirst().typeId());
            }
            var read = GgufConfig.of(path.toString(), metadata, file);
            var defaults = SamplingDefaults.of(path.toString(), metadata);
            Optional<Supplier<Tokenizer>> tokenizer = metadata.entries().containsKey("tokenizer.ggml.tokens")
                    ? Optional.of(() -> GgufTokenizers.fromGguf(metadata)) : Optional.empty();
            var name = metadata.text("general.name").orElse(String.valueOf(path.getFileName()));
            var tied = file.find(OUTPUT).isEmpty();
            return assemble(name, read.architecture(), read.model(), tied, file, tokenizer, defaults, List.of());
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }

    private static LoadedModel openFolder(Path folder) throws IOException {
        var json = ConfigJson.read(folder.resolve("config.json")).orElseThrow(() -> noConfig(folder));
        var read = HuggingFaceConfig.of(json);
        var generation = ConfigJson.read(folder.resolve("generation_config.json"));
        var defaults = generation.map(SamplingDefaults::of).orElse(SamplingParams.neutral());
        var eos = generation.map(g -> g.integers("eos_token_id")).filter(e -> !e.isEmpty()).orElse(json.integers("eos_token_id"));
        var weights = embeddingsOf(read.model(), HuggingFaceWeights.open(folder));
        try {
            Optional<Supplier<Tokenizer>> tokenizer = Files.exists(folder.resolve("tokenizer.json"))
                    ? Optional.of(() -> HuggingFaceTokenizers.fromFolder(folder)) : Optional.empty();
            var name = String.valueOf(folder.toRealPath().getFileName());
            return assemble(name, read.architecture(), read.model(), isTied(read.model(), weights), weights, tokenizer, defaults, eos);
        } catch (Throwable t) {
            weights.close();
            throw t;
        }
    }

    /** Begins to make the tokenizer in a thread of its own: a large vocabulary takes a second. */
    private static CompletableFuture<Optional<Tokenizer>> making(Optional<Supplier<Tokenizer>> maker) {
        if (maker.isEmpty()) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return CompletableFuture.supplyAsync(() -> Optional.of(maker.get().get()),
                work -> Thread.ofPlatform().name("jllm-tokenizer").daemon().start(work));
    }

    /** Of a matrix that is both, some folders hold the output matrix and no embedding table. */
    private static WeightSource embeddingsOf(ModelConfig config, WeightSource weights) {
        boolean outputOnly = weights.find(EMBEDDINGS).isEmpty() && weights.find(OUTPUT).isPresent();
        return config.tiedEmbeddings() && outputOnly ? new RenamedWeights(weights, OUTPUT, EMBEDDINGS) : weights;
    }

    /** As transformers 5 has it: what the configuration says, unless there are two matrices and they differ. */
    private static boolean isTied(ModelConfig config, WeightSource weights) {
        var table = weights.find(EMBEDDINGS);
        var output = weights.find(OUTPUT);
        return config.tiedEmbeddings() && (table.isEmpty() || output.isEmpty()
                || table.get().type() == output.get().type() && table.get().data().mismatch(output.get().data()) == -1);
    }

    private static ModelLoadException noConfig(Path folder) {
        List<Path> files;
        try (var list = Files.list(folder)) {
            files = list.sorted().toList();
        } catch (IOException e) {
            return new ModelLoadException("cannot read the folder " + folder + ": " + e, e);
        }
        if (files.isEmpty()) {
            return new ModelLoadException("the folder " + folder + " is empty: give a GGUF file or a Hugging Face model folder");
        }
        var gguf = files.stream().filter(f -> f.toString().endsWith(".gguf")).map(Path::toString).toList();
        if (!gguf.isEmpty()) {
            return new ModelLoadException("the folder " + folder + " has no config.json; to load a GGUF file in it, give the file: "
                    + String.join(" or ", gguf));
        }
        return new ModelLoadException("the folder " + folder + " has no config.json: give a GGUF file, or a Hugging Face model folder "
                + "with config.json, *.safetensors and tokenizer.json");
    }

    /** The tensors decide what a configuration leaves open: biases, and in a GGUF file an output matrix of its own. */
    private static LoadedModel assemble(String name, Architecture architecture, ModelConfig read, boolean tied, WeightSource weights,
                                        Optional<Supplier<Tokenizer>> tokenizer, SamplingParams defaults, List<Long> moreEos) {
        var found = new ModelConfig.Biases(hasBias(weights, "attn_q", "attn_k", "attn_v"), hasBias(weights, "attn_output"),
                hasBias(weights, "ffn_gate", "ffn_up", "ffn_down"));
        var config = read.with(tied, read.biases().or(found));
        var eos = new HashSet<Integer>();
        moreEos.stream().filter(id -> id >= 0 && id < config.vocab()).forEach(id -> eos.add(id.intValue()));
        var program = architecture.program(config);
        var description = name + ": " + describe(config, weights);
        return new LoadedModel(config, program, weights, making(tokenizer), defaults, eos, description);
    }

    private static boolean hasBias(WeightSource weights, String... parts) {
        for (var part : parts) {
            if (weights.find("blk.0." + part + ".bias").isPresent()) {
                return true;
            }
        }
        return false;
    }

    private static String describe(ModelConfig config, WeightSource weights) {
        var tensors = weights.names().stream().map(weights::get).toList();
        long parameters = tensors.stream().mapToLong(t -> t.rows() * t.cols()).sum();
        long bytes = tensors.stream().mapToLong(t -> t.data().byteSize()).sum();
        var formats = tensors.stream().collect(Collectors.groupingBy(t -> t.type(), Collectors.summingLong(t -> t.data().byteSize())));
        var names = formats.entrySet().stream().sorted((a, b) -> Long.compare(b.getValue(), a.getValue()))
                .map(e -> e.getKey().name()).collect(Collectors.joining(", "));
        return config.architecture() + ", " + scaled(parameters, 1000, "", "K", "M", "G", "T") + " parameters, "
                + scaled(bytes, 1024, " B", " KiB", " MiB", " GiB", " TiB") + " (" + names + "), context " + config.maxContext();
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
