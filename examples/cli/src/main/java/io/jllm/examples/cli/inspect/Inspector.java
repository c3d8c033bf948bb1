package io.jllm.examples.cli.inspect;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Failures;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.pytorch.PytorchFile;
import io.jllm.quant.safetensors.SafetensorsFile;
import io.jllm.spi.Backend;
import io.jllm.spi.BackendProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/** Looks into a model's files. */
public final class Inspector {
    private Inspector() {
    }

    /**
     * Looks into a GGUF file, or into all files of a split model by the first.
     *
     * @throws io.jllm.quant.FormatException if it is none, or broken
     */
    public static Inspection gguf(Path path) throws IOException {
        try (GgufFile file = GgufFile.open(path)) {
            Map<String, JsonElement> metadata = new LinkedHashMap<>();
            file.metadata().entries().forEach((key, value) -> metadata.put(key, GgufJson.of(value)));
            List<Inspection.TensorLine> tensors = file.tensorInfos().stream().map(t -> tensor(t, file)).toList();
            long weights = tensors.stream().mapToLong(t -> t.bytes().orElse(0)).sum();
            int files = file.files().size();
            return judged(path, files == 1 ? "GGUF file" : "GGUF file, in " + files + " parts", metadata, tensors, weights);
        }
    }

    /**
     * Looks into a Hugging Face folder: what {@code config.json} says, and the tensors of all safetensors files by their own names, or
     * of PyTorch's files where there are none.
     *
     * @throws io.jllm.quant.FormatException if a file is broken
     */
    public static Inspection folder(Path path) throws IOException {
        Map<String, JsonElement> metadata = new LinkedHashMap<>();
        Path config = path.resolve("config.json");
        if (Files.isRegularFile(config)) {
            try {
                if (JsonParser.parseString(Texts.read(config)) instanceof JsonObject object) {
                    metadata.putAll(object.asMap());
                }
            } catch (JsonParseException | BadInput _) {
                // the attempt to load it says what it is instead
            }
        }
        var tensors = new ArrayList<Inspection.TensorLine>();
        for (Path file : files(path, ".*\\.safetensors")) {
            try (SafetensorsFile open = SafetensorsFile.open(file)) {
                open.tensorInfos().forEach(t -> tensors.add(
                        new Inspection.TensorLine(t.name(), t.dtype(), t.shape(), OptionalLong.of(t.bytes()))));
            }
        }
        for (Path file : tensors.isEmpty() ? files(path, "pytorch_model.*\\.bin") : List.<Path>of()) {
            try (PytorchFile open = PytorchFile.open(file)) {
                open.tensorInfos().forEach(t -> tensors.add(
                        new Inspection.TensorLine(t.name(), t.dtype(), t.shape(), OptionalLong.of(t.bytes()))));
            }
        }
        if (!Files.exists(config, LinkOption.NOFOLLOW_LINKS) && tensors.isEmpty()) {
            throw new BadInput(path + " is no Hugging Face folder: it has neither config.json nor safetensors files");
        }
        long weights = tensors.stream().mapToLong(t -> t.bytes().orElse(0)).sum();
        return judged(path, "Hugging Face folder", metadata, tensors, weights);
    }

    private static List<Path> files(Path folder, String name) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.getFileName().toString().matches(name)).sorted().toList();
        }
    }

    private static Inspection.TensorLine tensor(GgufFile.TensorInfo info, GgufFile file) {
        OptionalLong bytes = file.find(info.name()).map(t -> OptionalLong.of(t.bytes())).orElse(OptionalLong.empty());
        return new Inspection.TensorLine(info.name(), info.type().map(DType::name)
                .orElse("unknown type " + Integer.toUnsignedString(info.typeId())),
                info.shape(), bytes);
    }

    /** Adds what only an attempt shows: whether it is a model, of a family that is known, that a backend here can run. */
    private static Inspection judged(Path path, String format, Map<String, JsonElement> metadata,
            List<Inspection.TensorLine> tensors, long weights) {
        try (LoadedModel model = ModelFiles.open(path)) {
            var memory = new Inspection.Memory(weights, OptionalLong.of(model.program().kvFloatsPerToken() * Float.BYTES),
                    OptionalLong.of(model.config().maxContext()));
            model.tokenizer(); // fails where it cannot be made
            return new Inspection(format, metadata, tensors, memory, reasons(model));
        } catch (RuntimeException e) { // whatever is wrong with it as a model, there is something to show of the file
            return new Inspection(format, metadata, tensors, new Inspection.Memory(weights, OptionalLong.empty(),
                    OptionalLong.empty()),
                    List.of(Failures.line(e)));
        }
    }

    /** Why no backend can run a model; empty if one can. */
    private static List<String> reasons(LoadedModel model) {
        List<BackendProvider> providers = ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get)
                .toList();
        if (providers.isEmpty()) {
            return List.of("no backend is installed");
        }
        var reasons = new ArrayList<String>();
        for (BackendProvider provider : providers) {
            List<String> here = switch (provider.probe()) {
                case BackendProvider.Probe.Unavailable no -> List.of(no.reason());
                case BackendProvider.Probe.Available _ -> {
                    try (Backend backend = provider.open(BackendProvider.BackendOptions.DEFAULT)) {
                        yield backend.unsupported(model.program(), model.weights());
                    }
                }
            };
            if (here.isEmpty()) {
                return List.of();
            }
            here.forEach(reason -> reasons.add(provider.name() + ": " + reason));
        }
        return reasons;
    }
}
